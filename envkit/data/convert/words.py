"""Write tagged words, so that ``read_sentences`` reads from it what it read before."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import msgspec

from envkit.api import DataError
from envkit.data.columns import DOCUMENT_START
from envkit.data.spans import find_text_spans

if TYPE_CHECKING:
    from collections.abc import Sequence

    from envkit.data.token_rows import Sentence

WORD_FORMATS = ("conll", "jsonl", "spans")
# A column's reader takes blanks off a word, and splits lines at these ends.
_UNFIT = re.compile(r"[\t\r\n]|^ | $|^$|^\s+$")


def write_sentences(sentences: Sequence[Sentence], *, to: str) -> str:
    """Return the sentences as ``conll`` (word, tab, tag), ``jsonl`` (tokens and tags) or ``spans``.

    Spans are lines of text with character offsets, and with the words, so that the same are found again.
    Raises: DataError for a word that columns, or spans, cannot hold.
    """
    if to == "conll":
        return _columns(sentences)
    return "".join(
        msgspec.json.encode(_tokens(sentence) if to == "jsonl" else _spans(sentence)).decode() + "\n"
        for sentence in sentences
    )


def _columns(sentences: Sequence[Sentence]) -> str:
    has_documents = len({sentence.document for sentence in sentences}) > 1
    parts: list[str] = []
    document: int | None = None
    for sentence in sentences:
        if has_documents and sentence.document != document:
            document = sentence.document
            parts.append(f"{DOCUMENT_START}\tO\n\n")
        for word, tag in zip(sentence.words, sentence.tags, strict=True):
            if _UNFIT.search(word) or word.split(maxsplit=1)[0] == DOCUMENT_START:
                raise DataError(
                    f"line {sentence.line}: columns cannot hold the word {word!r}",
                    hint="Write lines of JSON instead: --to jsonl",
                )
            parts.append(f"{word}\t{tag}\n")
        parts.append("\n")
    return "".join(parts)


def _tokens(sentence: Sentence) -> dict[str, Any]:
    return {"tokens": sentence.words, "tags": sentence.tags}


def _spans(sentence: Sentence) -> dict[str, Any]:
    offsets = sentence.full_offsets
    text = sentence.full_text
    spans = find_text_spans(sentence.tags, offsets)
    # A span's reader takes blanks, of any kind, off its borders, and blanks for no words.
    unfit = next((text[start:end] for start, end in offsets if not text[start:end].strip()), None)
    unfit = (
        unfit
        if unfit is not None
        else next((part for span in spans if (part := text[span.start : span.end]) != part.strip()), None)
    )
    if unfit is not None:
        raise DataError(
            f"line {sentence.line}: spans cannot hold {unfit!r}, with blanks at its borders",
            hint="Write lines of JSON with tags instead: --to jsonl",
        )
    return {
        "text": text,
        "tokens": [
            {"text": text[start:end], "start": start, "end": end, "id": number}
            for number, (start, end) in enumerate(offsets)
        ],
        "spans": [{"start": span.start, "end": span.end, "label": span.label} for span in spans],
    }
