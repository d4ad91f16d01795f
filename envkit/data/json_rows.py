"""Read JSON objects with the words of a sentence and their tags, or with a text and its spans."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from envkit.data.faults import BadRow, Fault
from envkit.data.json_records import kind_of
from envkit.data.span_rows import SPAN_EXAMPLE, SpanReader, is_span_row

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from envkit.data.spans import Align, Offsets

WORDS_KEY = "tokens"
TAGS_KEYS = ("tags", "ner_tags")

# The opening of an object with a first key: a file of columns may well begin with the word ``{``.
_OBJECT = re.compile(r'\s*\{\s*("|\}\s*$)')
_ARRAY = re.compile(r"\s*\[\s*(\{|$)")


@dataclass(frozen=True, slots=True)
class JsonSentence:
    """Words and tags of one row, by its line or number (from 1); ``text`` and ``offsets`` where it has a text."""

    words: tuple[str, ...]
    tags: tuple[str, ...]
    line: int
    text: str | None = None
    offsets: Offsets | None = None


@dataclass(frozen=True)
class JsonSentences:
    """The rows that could be read, what is wrong with these and others, and what the user should know."""

    rows: tuple[JsonSentence, ...]
    faults: tuple[Fault, ...]
    notes: tuple[str, ...] = ()


def is_json(lines: Sequence[str]) -> bool:
    """Tell whether the first line with content begins JSON."""
    first = next((line for line in lines if line and not line.isspace()), "")
    return bool(_OBJECT.match(first) or _ARRAY.match(first))


def is_array(lines: Sequence[str]) -> bool:
    """Tell whether the first line with content begins a JSON array."""
    return bool(_ARRAY.match(next((line for line in lines if line and not line.isspace()), "")))


def parse_json_lines(lines: Iterable[str], *, file: Path, align: Align = "error") -> JsonSentences:
    """Read a sentence from every line that is not blank."""
    numbered = ((number, line) for number, line in enumerate(lines, start=1) if line and not line.isspace())
    return _collect(((number, _Undecoded(line, number, file)) for number, line in numbered), align)


def parse_json_objects(
    objects: Iterable[tuple[int, dict[str, Any]]], *, align: Align = "error"
) -> JsonSentences:
    """Read a sentence from every object, each with its line or number from 1."""
    return _collect(objects, align)


@dataclass(frozen=True, slots=True)
class _Undecoded:
    line: str
    number: int
    file: Path

    def decode(self) -> Any:
        try:
            return msgspec.json.decode(self.line)
        except (msgspec.DecodeError, UnicodeEncodeError, RecursionError) as error:
            raise BadRow(
                f"this is no whole JSON object: {error}",
                hint=f"See how it ends: sed -n {self.number}p {shlex.quote(str(self.file))} | tail -c 80",
            ) from error


def _collect(rows: Iterable[tuple[int, Any]], align: Align) -> JsonSentences:
    read: list[JsonSentence] = []
    faults: list[Fault] = []
    spans = SpanReader(align)
    for number, given in rows:
        try:
            row = given.decode() if isinstance(given, _Undecoded) else given
            if is_span_row(row):
                found = spans.read(row, line=number)
                if found is not None:
                    read.append(JsonSentence(found.words, found.tags, number, found.text, found.offsets))
            else:
                read.append(_tagged_words(row, number))
        except BadRow as error:
            faults.append(error.fault(number))
    return JsonSentences(tuple(read), (*faults, *spans.faults()), spans.notes())


def _tagged_words(row: Any, number: int) -> JsonSentence:
    words = _strings(row, (WORDS_KEY,))
    tags = _strings(row, TAGS_KEYS)
    if len(words) != len(tags):
        raise BadRow(
            f"{len(words)} {WORDS_KEY} but {len(tags)} tags, expected a tag for every token",
            hint="Give each token exactly one tag, O outside of entities",
        )
    return JsonSentence(words, tags, number)


def _strings(row: Any, keys: tuple[str, ...]) -> tuple[str, ...]:
    named = " or ".join(repr(key) for key in keys)
    if not isinstance(row, dict):
        raise BadRow(f"expected a JSON object with {named}, found {kind_of(row)}", hint=_example(row))
    key = next((key for key in keys if key in row), None)
    if key is None:
        there = ", ".join(map(repr, row)) or "nothing"
        beside = " nor spans of the text" if isinstance(row.get("text"), str) else ""
        raise BadRow(f"there is no {named}{beside}; the object has {there}", hint=_example(row))
    values = row[key]
    wrong = (
        values if not isinstance(values, list) else next((v for v in values if not isinstance(v, str)), None)
    )
    if not isinstance(values, list) or wrong is not None or None in values:
        inside = " in it" if isinstance(values, list) else ""
        numbers = "Write the names of the tags, not their numbers. "
        raise BadRow(
            f"expected {key!r} to be a list of strings, found {kind_of(wrong)}{inside}",
            hint=f"{numbers if isinstance(wrong, int) and key in TAGS_KEYS else ''}{_example(row)}",
        )
    return tuple(values)


def _example(row: Any) -> str:
    if isinstance(row, dict) and "text" in row and WORDS_KEY not in row:
        return SPAN_EXAMPLE
    return 'A line reads: {"tokens": ["Ada", "wrote"], "tags": ["B-PER", "O"]}'
