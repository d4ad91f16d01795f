"""Read JSONL: a JSON object a line, with the words of a sentence and their tags."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from envkit.api import DataError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

WORDS_KEY = "tokens"
TAGS_KEYS = ("tags", "ner_tags")

# The opening of an object with a first key: a file of columns may well begin with the word ``{``.
_OBJECT = re.compile(r'\s*\{\s*("|\}\s*$)')
_ARRAY = re.compile(r"\s*\[\s*(\{|$)")


@dataclass(frozen=True)
class JsonSentence:
    """Words and tags of one line, counted from 1."""

    words: tuple[str, ...]
    tags: tuple[str, ...]
    line: int


def is_json(lines: Sequence[str]) -> bool:
    """Tell whether the first line with content begins JSON."""
    first = next((line for line in lines if line and not line.isspace()), "")
    return bool(_OBJECT.match(first) or _ARRAY.match(first))


def parse_json_rows(lines: Sequence[str], *, file: Path) -> list[JsonSentence]:
    """Read a sentence from every line that is not empty. Raises: DataError."""
    sentences = []
    for number, line in enumerate(lines, start=1):
        if line and not line.isspace():
            sentences.append(_parse_line(line, file, number))
    return sentences


def _parse_line(line: str, file: Path, number: int) -> JsonSentence:
    if number == 1 and _ARRAY.match(line):
        raise DataError(
            "the file is a JSON array, expected JSONL: one object a line",
            file=file,
            line=number,
            hint=f"Write it as lines: jq -c '.[]' {shlex.quote(str(file))} > {shlex.quote(file.stem + '.jsonl')}",
        )
    try:
        row = msgspec.json.decode(line)
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError) as error:
        raise DataError(
            f"this is no whole JSON object: {error}",
            file=file,
            line=number,
            hint=f"See how it ends: sed -n {number}p {shlex.quote(str(file))} | tail -c 80",
        ) from error
    words = _strings(row, (WORDS_KEY,), file, number)
    tags = _strings(row, TAGS_KEYS, file, number)
    if len(words) != len(tags):
        raise DataError(
            f"{len(words)} {WORDS_KEY} but {len(tags)} tags, expected a tag for every token",
            file=file,
            line=number,
            hint="Give each token exactly one tag, O outside of entities",
        )
    return JsonSentence(words, tags, number)


def _strings(row: Any, keys: tuple[str, ...], file: Path, number: int) -> tuple[str, ...]:
    named = " or ".join(repr(key) for key in keys)
    if not isinstance(row, dict):
        raise DataError(
            f"expected a JSON object with {named}, found {_kind(row)}",
            file=file,
            line=number,
            hint=_example(),
        )
    key = next((key for key in keys if key in row), None)
    if key is None:
        there = ", ".join(map(repr, row)) or "nothing"
        raise DataError(
            f"there is no {named}; the object has {there}", file=file, line=number, hint=_example()
        )
    values = row[key]
    wrong = (
        values if not isinstance(values, list) else next((v for v in values if not isinstance(v, str)), None)
    )
    if not isinstance(values, list) or wrong is not None or None in values:
        raise DataError(
            f"expected {key!r} to be a list of strings, found {_kind(wrong)}"
            f"{' in it' if isinstance(values, list) else ''}",
            file=file,
            line=number,
            hint="Write the names of the tags, not their numbers. " + _example()
            if isinstance(wrong, int) and key in TAGS_KEYS
            else _example(),
        )
    return tuple(values)


def _kind(value: Any) -> str:
    if value is None:
        return "null"
    kinds = {bool: "a boolean", int: "a number", float: "a number", str: "a string", list: "a list"}
    return kinds.get(type(value), "an object")


def _example() -> str:
    return 'A line reads: {"tokens": ["Ada", "wrote"], "tags": ["B-PER", "O"]}'
