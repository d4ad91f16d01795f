"""Take CoNLL columns apart, at the ends of documents or of sentences."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from envkit.data.columns import DOCUMENT_START
from envkit.data.cut.rows import types_of
from envkit.data.cut.stratify import rarest_labels
from envkit.data.cut.units import CutFile, Unit, join_lines, keep_ends, line_end
from envkit.data.token_rows import read_sentences

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from envkit.data.cut.units import By, Reading


def cut_sentences(text: str, file: Path, reading: Reading, *, by: By | None) -> CutFile:
    """Take the file apart: by default at its documents where it marks them, else at its sentences.

    Sentences alone lose the marks of documents, which would stand before others. Raises: DataError.
    """
    lines = keep_ends(text)
    borders = [number for number, line in enumerate(lines) if _is_document_start(line)]
    if by == "document" or (by is None and len(borders) > 1):
        return _cut_documents(text, lines, borders)
    read = read_sentences(file, encoding=reading.encoding, is_lenient=True) if by != "none" else None
    types = {sentence.line: types_of(sentence.tags) for sentence in read.sentences} if read else {}
    blocks = _blocks(lines)
    found = [next((types[line + 1] for line in block if line + 1 in types), ()) for block in blocks]
    units = tuple(
        Unit("".join(lines[block.start : block.stop]), key=key)
        for block, key in zip(blocks, rarest_labels(found), strict=True)
    )
    join = join_lines(text, between=line_end(text))
    return CutFile(units, join, by or "label", noun="sentence")


def _cut_documents(text: str, lines: Sequence[str], borders: Sequence[int]) -> CutFile:
    # What stands before the first mark belongs to the first document.
    bounds = [0, *borders[1:], len(lines)]
    units = tuple(
        Unit("".join(lines[start:end]), rows=len(_blocks(lines[start:end])))
        for start, end in pairwise(bounds)
    )
    return CutFile(units, join_lines(text), "document", noun="sentence")


def _blocks(lines: Sequence[str]) -> list[range]:
    """Return the lines of each sentence, from 0: those between blank lines and marks of documents."""
    blocks: list[range] = []
    start: int | None = None
    for number, line in enumerate((*lines, "")):
        is_border = not line.strip() or _is_document_start(line)
        if is_border and start is not None:
            blocks.append(range(start, number))
            start = None
        elif not is_border and start is None:
            start = number
    return blocks


def _is_document_start(line: str) -> bool:
    return line.startswith(DOCUMENT_START) and line.split()[0] == DOCUMENT_START
