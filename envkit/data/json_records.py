"""Read JSON objects as rows: JSONL, an object a line, or one array of objects."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING, Any

import msgspec

from envkit.api import DataError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

# The opening of an object with a first key; a text may well begin with a brace.
_OBJECT = re.compile(r'\s*\{\s*("|\}\s*$)')
_ARRAY = re.compile(r"\s*\[\s*(\{|\]?\s*$)")
# An object that begins on one line and goes on on the next, as jq and json.dumps(indent=2) write it.
_OPEN_OBJECT = re.compile(r'\s*\{\s*("[^"]*"\s*:\s*[\[{]?\s*)?$')

_decoder = msgspec.json.Decoder()


def is_json_line(line: str) -> bool:
    """Tell whether this line begins a JSON object."""
    return bool(_OBJECT.match(line))


def is_json_array(line: str) -> bool:
    """Tell whether this line begins a JSON array of objects."""
    return bool(_ARRAY.match(line))


def is_open_object(line: str) -> bool:
    """Tell whether this line begins an object that does not end on it."""
    return bool(_OPEN_OBJECT.match(line))


def parse_json_lines(lines: Iterable[str], *, file: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield the object of each line that is not blank, with the line's number from 1. Raises: DataError."""
    for number, line in enumerate(lines, start=1):
        if line and not line.isspace():
            yield number, parse_object(line, file=file, line=number)


def parse_object(text: str, *, file: Path, line: int) -> dict[str, Any]:
    """Return the object on a line. Raises: DataError where it is cut, or where there is another value."""
    try:
        value = _decoder.decode(text)
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError) as error:
        raise DataError(
            f"this is no whole JSON object: {error}",
            file=file,
            line=line,
            hint=f"See how it ends: sed -n {line}p {shlex.quote(str(file))} | tail -c 80",
        ) from error
    if not isinstance(value, dict):
        raise DataError(
            f"expected a JSON object, found {kind_of(value)}",
            file=file,
            line=line,
            hint='A line reads: {"text": "what a film", "label": "positive"}',
        )
    return value


def parse_json_array(text: str, *, file: Path) -> list[tuple[int, dict[str, Any]]]:
    """Return the objects of an array, each with its number from 1. Raises: DataError."""
    try:
        values = _decoder.decode(text)
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError) as error:
        raise DataError(
            f"this is no whole JSON array: {error}",
            file=file,
            hint=f"See where it breaks: python3 -m json.tool {shlex.quote(str(file))} | tail",
        ) from error
    if not isinstance(values, list):
        raise DataError(
            f"expected a JSON array of objects, or an object a line, found {kind_of(values)}",
            file=file,
            hint=_array_hint(values, file),
        )
    for number, value in enumerate(values, start=1):
        if not isinstance(value, dict):
            raise DataError(
                f"expected JSON objects in the array, found {kind_of(value)} as its element {number}",
                file=file,
                hint='An element reads: {"text": "what a film", "label": "positive"}',
            )
    return list(enumerate(values, start=1))


def kind_of(value: Any) -> str:
    """Return what JSON calls a value."""
    if value is None:
        return "null"
    kinds = {bool: "a boolean", int: "a number", float: "a number", str: "a string", list: "a list"}
    return kinds.get(type(value), "an object")


def columns_of(rows: Sequence[dict[str, Any]]) -> tuple[str, ...]:
    """Return all keys, in the order in which they first come."""
    keys: dict[str, None] = {}
    seen: set[tuple[str, ...]] = set()
    for row in rows:
        shape = tuple(row)
        if shape not in seen:
            seen.add(shape)
            keys.update(dict.fromkeys(shape))
    return tuple(keys)


def check_is_no_wrapper(rows: Sequence[dict[str, Any]], *, file: Path) -> None:
    """Refuse a file of one object that holds the rows in a list. Raises: DataError that says how to take them out."""
    if len(rows) == 1:
        for key, value in rows[0].items():
            if isinstance(value, list) and len(value) > 1 and all(isinstance(each, dict) for each in value):
                raise DataError(
                    f"the file is one object, with what may be the rows in {key!r}",
                    file=file,
                    hint=_array_hint({key: value}, file),
                )


def _array_hint(value: Any, file: Path) -> str:
    lists = (
        [key for key, inner in value.items() if isinstance(inner, list)] if isinstance(value, dict) else []
    )
    if lists:
        path = shlex.quote(str(file))
        return f"To take the rows out of {lists[0]!r}: jq -c '.{lists[0]}[]' {path} > rows.jsonl"
    return 'Write an object a line: {"text": "what a film", "label": "positive"}'
