"""Read rows whose cells are separated by a character: CSV, TSV and their kin.

What the quotes in such a file mean cannot be told from one line. Spreadsheets write ``"a ""b"" c"``, in CSV
with line ends inside; TSV such as GLUE's holds quotes as its texts do, closed or not.
"""

from __future__ import annotations

import csv
import io
import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from envkit.api import DataError
from envkit.data.headers import judge_header
from envkit.data.text import split_lines

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

_SAMPLE = 1000  # rows that decide whether there is a header
_NAMES = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
# A cell may hold a whole book; csv's own bound of 131072 characters guards against nothing here.
csv.field_size_limit(2**31 - 1)


class BrokenRowError(ValueError):
    """Quotes that are out of place or not closed, in the row that begins on ``line``."""

    def __init__(self, problem: str, line: int) -> None:
        super().__init__(problem)
        self.line = line


@dataclass(frozen=True)
class Dialect:
    """What separates cells, and whether quotes hold a cell together or are part of it."""

    delimiter: str
    has_quotes: bool

    @property
    def format(self) -> Literal["csv", "tsv"]:
        """Return the name of the format."""
        return "tsv" if self.delimiter == "\t" else "csv"

    def split(self, lines: Iterable[str]) -> Iterator[tuple[int, list[str]]]:
        """Yield the cells of each row that is not empty, with the line (from 1) on which it begins.

        With quotes, the lines have to have their ends. Raises: BrokenRowError where quotes are out of place.
        """
        if not self.has_quotes:
            for number, line in enumerate(lines, start=1):
                row = line.rstrip("\r\n")
                if row and not row.isspace():
                    yield number, row.split(self.delimiter)
            return
        reader = csv.reader(lines, delimiter=self.delimiter, strict=True)
        first = 1
        try:
            for cells in reader:
                if cells and (len(cells) > 1 or cells[0].strip()):
                    yield first, cells
                first = reader.line_num + 1
        except csv.Error as error:
            raise BrokenRowError(str(error), first) from error


@dataclass(frozen=True)
class DelimitedRows:
    """The rows of a file, all of one width, with the lines on which they begin, header left out.

    ``is_in_doubt`` says that the first row, read as data, may be a header after all.
    """

    dialect: Dialect
    columns: tuple[str, ...]
    has_header: bool
    rows: list[list[str]]
    lines: list[int]
    is_in_doubt: bool = False


@dataclass(frozen=True)
class Opening:
    """The first lines of a file that are not blank; ``is_cut`` says that others follow."""

    lines: list[str]
    is_cut: bool


def find_delimiter(opening: Opening, *, preferred: Sequence[str] = "\t,;|") -> str | None:
    """Return the character that cuts these lines into rows of one width, two or more; None where none does.

    Of several, it is a tab if that is preferred to all; else one that is not followed by blanks as those of
    sentences are, that leaves a column of classes, and that makes more columns, in this order.
    """
    text = "\n".join(opening.lines)
    claims: dict[str, tuple[bool, bool, int]] = {}
    for delimiter in preferred:
        if delimiter not in text:
            continue
        for has_quotes in (True, False):
            rows = cut_opening(opening, Dialect(delimiter, has_quotes))
            if rows and len(rows[0]) > 1:
                if delimiter == "\t" and preferred[0] == "\t":
                    return delimiter
                claims[delimiter] = (not _are_clauses(rows), _has_classes(rows), len(rows[0]))
                break
    return max(claims, key=claims.__getitem__, default=None)  # the first of equals


def cut_opening(opening: Opening, dialect: Dialect) -> list[list[str]]:
    """Return the rows of these lines if all have one width, else nothing."""
    rows: list[list[str]] = []
    try:
        rows.extend(cells for _, cells in dialect.split(io.StringIO("\n".join(opening.lines), newline="")))
    except BrokenRowError:
        if not opening.is_cut or len(rows) < 2:
            return []
    if opening.is_cut and len(rows) > 1:
        rows.pop()  # the sample may end within its last row
    return rows if rows and _have_one_width(rows) else []


def parse_delimited(text: str, *, delimiter: str, file: Path, named: Sequence[str] = ()) -> DelimitedRows:
    """Read a table; its header, if the first row is one, names the columns, else they are ``1``, ``2``, ….

    ``named`` are columns that the user speaks of: a first row that holds one is a header.
    Raises: DataError for a row of another width than the first, or for quotes that are not closed.
    """
    dialect, lines, rows = _parse(text, delimiter, file)
    width = len(rows[0])
    if not _have_one_width(rows):
        wrong = next(index for index, cells in enumerate(rows) if len(cells) != width)
        raise wrong_width(file, lines[wrong], len(rows[wrong]), width, dialect)
    verdict = judge_header(rows[:_SAMPLE], named=named)
    if verdict.is_header:
        return DelimitedRows(dialect, header_names(rows[0]), True, rows[1:], lines[1:])
    return DelimitedRows(dialect, numbered(width), False, rows, lines, is_in_doubt=not verdict.is_sure)


def split_tabs(line: str) -> list[str]:
    """Return the cells of a line of TSV, without the quotes that hold cells together if they do."""
    if '"' in line:
        try:
            return next(csv.reader([line], delimiter="\t", strict=True))
        except csv.Error:
            pass  # then they are part of a text
    return line.split("\t")


def numbered(width: int) -> tuple[str, ...]:
    """Return the names of columns that have none: their numbers, from 1."""
    return tuple(str(number) for number in range(1, width + 1))


def header_names(cells: Sequence[str]) -> tuple[str, ...]:
    """Return the names of columns: the cells of the header, the number where one is empty or was before."""
    names: list[str] = []
    for number, cell in enumerate(cells, start=1):
        name = cell.strip()
        if not name or name in names:
            name = str(number)
            while name in names or name in cells:  # years and the like
                name = f"column {name}"
        names.append(name)
    return tuple(names)


def wrong_width(file: Path, line: int, found: int, expected: int, dialect: Dialect) -> DataError:
    """Return the error for a row that has not as many cells as the first one."""
    separator = _NAMES.get(dialect.delimiter, repr(dialect.delimiter))
    hint = f"See what stands there: sed -n {line}p {shlex.quote(str(file))}"
    if found > expected and dialect.delimiter in ",;":
        hint = f'Write a text that holds {separator} in quotes: "a{dialect.delimiter} b". {hint}'
    cells = "cell" if found == 1 else "cells"
    return DataError(
        f"{found} {cells} separated by {separator}, expected {expected} as in the first row",
        file=file,
        line=line,
        hint=hint,
    )


def broken_row(file: Path, error: BrokenRowError) -> DataError:
    """Return the error for quotes that are out of place or not closed."""
    return DataError(
        f"the quotes of the row that begins here do not close as they should ({error})",
        file=file,
        line=error.line,
        hint='A cell in quotes begins and ends with one, and those inside are doubled: "say ""yes"" now"',
    )


def _parse(text: str, delimiter: str, file: Path) -> tuple[Dialect, list[int], list[list[str]]]:
    """Return lines and rows, with quotes read as quotes unless the lines are a sounder table without."""
    if '"' not in text:
        return Dialect(delimiter, False), *_split_lines(text, delimiter)
    quoted = Dialect(delimiter, True)
    if (found := _split_quoted_lines(text, delimiter)) is not None and _have_one_width(found[1]):
        return quoted, *found
    lines: list[int] = []
    rows: list[list[str]] = []
    failure = None
    try:
        for line, cells in quoted.split(io.StringIO(text, newline="")):
            lines.append(line)
            rows.append(cells)
    except BrokenRowError as error:
        failure = error
    # In TSV, a quote that is not closed may have swallowed lines up to the next one.
    has_swallowed = delimiter == "\t" and any("\n" in cell or "\r" in cell for row in rows for cell in row)
    if failure is None and _have_one_width(rows) and not has_swallowed:
        return quoted, lines, rows
    by_line_numbers, by_line = _split_lines(text, delimiter)
    is_table = _have_one_width(by_line) and len(by_line[0]) > 1
    # Lines of TSV are rows whatever their quotes, and their widths say where it is wrong.
    if is_table or (failure is not None and delimiter == "\t"):
        return Dialect(delimiter, False), by_line_numbers, by_line
    if failure is not None:
        raise broken_row(file, failure) from failure
    return quoted, lines, rows


def _split_quoted_lines(text: str, delimiter: str) -> tuple[list[int], list[list[str]]] | None:
    """Return lines and rows where no cell goes over several lines, else None; several times as fast as ``split``.

    csv reads the lines that have quotes alone: where it makes as many rows of them, no cell has taken in others.
    """
    lines = split_lines(text)
    quoted = [line for line in lines if '"' in line]
    try:
        read = list(csv.reader(quoted, delimiter=delimiter, strict=True))
    except csv.Error:
        return None
    if len(read) != len(quoted):
        return None
    following = iter(read)
    rows = [next(following) if '"' in line else line.split(delimiter) for line in lines]
    if not all(map(any, rows)):  # a row is blank
        return None
    return list(range(1, len(rows) + 1)), rows


def _split_lines(text: str, delimiter: str) -> tuple[list[int], list[list[str]]]:
    lines = split_lines(text)
    filled = [number for number, line in enumerate(lines, start=1) if line and not line.isspace()]
    if len(filled) < len(lines):
        lines = [lines[number - 1] for number in filled]
    if delimiter == "\t" and '"' in text:
        return filled, list(map(split_tabs, lines))
    return filled, [line.split(delimiter) for line in lines]


def _have_one_width(rows: Sequence[Sequence[str]]) -> bool:
    return len(set(map(len, rows))) == 1


def _are_clauses(rows: Sequence[Sequence[str]]) -> bool:
    """Tell whether blanks stand behind most delimiters, as behind the commas of a sentence."""
    behind = [cell[:1].isspace() for row in rows for cell in row[1:]]
    return 2 * sum(behind) > len(behind)


def _has_classes(rows: Sequence[Sequence[str]]) -> bool:
    """Tell whether some column has several values, each of which comes twice or more on average."""
    return any(1 < len(set(column)) <= len(rows) // 2 for column in zip(*rows, strict=True))
