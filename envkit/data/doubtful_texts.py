"""Tell of what is read as texts to predict on where it may be something else, and refuse what clearly is none."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from envkit.api import DataError
from envkit.data.delimited import Dialect, Opening, cut_opening, find_delimiter
from envkit.data.tables import suffix_of
from envkit.data.tag_schemes import OUTSIDE, is_tag
from envkit.data.text import name_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_SEPARATORS = {",": "commas", ";": "semicolons", "|": "bars"}
_ENOUGH = 3  # rows, from which on one number of columns in all of them is no chance
_SHOWN = 20  # characters of a cell
# What numbers, names, dates, addresses and classes look like. Some scripts write no blanks between words.
_SINGLE_WORD = re.compile(r"[!-~]{0,40}")
_AS_LINES = "if each line is a text, whole: --format lines"


def check_lines(opening: Opening, *, file: Path) -> str | None:
    """Return what to tell of a file each of whose lines is taken for a text; None where nothing is odd.

    Raises: DataError where the lines are JSON without objects, tagged words, or a table without texts.
    """
    lines = opening.lines
    if lines and _is_json(lines[0], file):
        raise DataError(
            "this is JSON, but no objects, expected an object a line or an array of them",
            file=file,
            line=1,
            hint=f'Write {{"text": "…"}} on each line; {_AS_LINES}',
        )
    if _are_tagged_words(lines):
        raise DataError(
            "these are tagged words, one a line, expected texts",
            file=file,
            line=1,
            hint=f"Give texts, one a line; {_AS_LINES}",
        )
    delimiter = find_delimiter(opening, preferred=",;|")
    if delimiter is None or len(lines) < _ENOUGH or any(delimiter + " " in line for line in lines):
        return None
    rows = cut_opening(opening, Dialect(delimiter, has_quotes=True))
    name = _SEPARATORS[delimiter]
    if rows and all(_SINGLE_WORD.fullmatch(cell) for row in rows for cell in row):
        raise DataError(
            f"these are {len(rows[0])} columns separated by {name}, and none is known to hold texts",
            file=file,
            line=1,
            hint=f"Name that of the texts: --format csv --text-column N; {_AS_LINES}",
        )
    return (
        f"{name_of(file)}: each line is read as a text, whole; if the {name} separate columns: --format csv"
    )


def check_column(rows: Sequence[Sequence[str]], place: int, *, file: Path) -> str:
    """Return what to tell of a table without a known header whose longest column, from 0, is taken for texts.

    Raises: DataError where that column holds nothing but single words.
    """
    cells = [row[place] for row in rows]
    if len(rows) >= _ENOUGH and all(_SINGLE_WORD.fullmatch(cell.strip()) for cell in cells):
        first = ", ".join(cell.strip()[:_SHOWN] for cell in rows[0][:8])
        raise DataError(
            f"no column is known to hold texts; the first row has: {first}",
            file=file,
            line=1,
            hint=f"Name that of the texts, or give its number: --text-column NAME; {_AS_LINES}",
        )
    return (
        f"{name_of(file)}: no header is known, and texts are taken from column {place + 1}, the longest; "
        "if that is wrong: --text-column N"
    )


def _is_json(line: str, file: Path) -> bool:
    """Tell whether a first line is a JSON array, or any JSON where the file is named so."""
    if suffix_of(file) in (".json", ".jsonl"):
        return True
    if not line.lstrip().startswith("["):
        return False
    try:
        json.loads(line)
    except (ValueError, RecursionError):
        return False
    return True


def _are_tagged_words(lines: Sequence[str]) -> bool:
    rows = [line.split() for line in lines]
    tags = [row[-1] for row in rows]
    is_even = len(rows) >= _ENOUGH and len(set(map(len, rows))) == 1 and len(rows[0]) > 1
    return is_even and all(map(is_tag, tags)) and any(tag != OUTSIDE for tag in tags)
