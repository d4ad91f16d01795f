"""The options that say how the files of a task are to be read, where guessing is not enough."""

from __future__ import annotations

from typing import Annotated, Literal

from envkit.api.finetune_options import FinetuneOptions
from envkit.api.options import Meta

Format = Literal[
    "auto", "csv", "tsv", "jsonl", "json", "parquet", "folder", "conll", "squad", "prodigy", "lines"
]


class FileOptions(FinetuneOptions, frozen=True, kw_only=True):
    """How files are read; a task whose reader is one of ``envkit.data`` subclasses this."""

    format: Annotated[Format, Meta("Format of the files; auto tells it by their content.")] = "auto"
    encoding: Annotated[str, Meta("Encoding of text files, such as latin-1. Default: UTF-8.")] | None = None


class TextOptions(FileOptions, frozen=True, kw_only=True):
    """Which columns hold texts and labels: names from the header or keys, or numbers from 1."""

    text_column: (
        Annotated[str, Meta("Column of the text: a name, or a number from 1. Default: guessed, and said.")]
        | None
    ) = None
    pair_column: (
        Annotated[str, Meta("Column of a second text that is read with the first. Default: none.")] | None
    ) = None
    label_column: (
        Annotated[str, Meta("Column of the label or labels. Default: guessed, and said.")] | None
    ) = None
