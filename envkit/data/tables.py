"""Read tables: CSV and TSV with and without a header, JSON objects, Parquet, told apart by content."""

from __future__ import annotations

from dataclasses import dataclass, field
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Literal

from envkit.api import DataError
from envkit.data.delimited import Opening, find_delimiter, parse_delimited
from envkit.data.json_records import (
    check_is_no_wrapper,
    columns_of,
    is_json_array,
    is_json_line,
    is_open_object,
    parse_json_array,
    parse_json_lines,
)
from envkit.data.parquet import SUFFIXES, is_parquet, iterate_parquet
from envkit.data.text import STANDARD_INPUT, name_of, read_text, split_lines

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

TableFormat = Literal["csv", "tsv", "jsonl", "json", "parquet"]
TABLE_FORMATS = ("csv", "tsv", "jsonl", "json", "parquet")
_PREFERRED = {"csv": ",;|\t", "tsv": "\t,;|"}
_OPENING = 64 * 1024  # characters, at least, that are looked at to tell the format


@dataclass(frozen=True)
class RecordTable:
    """The rows of a file: cells in the order of ``columns``, and the name of each row (``train.tsv:12``).

    Cells are strings in CSV and TSV, whatever JSON or Parquet hold otherwise; None is a key that a JSON
    object has not. Columns of a file without a header are named by their numbers, from 1; ``is_in_doubt``
    says that its first row, read as data, may be a header after all.
    """

    file: Path
    format: TableFormat
    columns: tuple[str, ...]
    has_header: bool
    rows: Sequence[Sequence[Any]] = field(repr=False)
    names: Sequence[str] = field(repr=False)
    is_in_doubt: bool = False

    def column(self, index: int) -> list[Any]:
        """Return the cells of a column, counted from 0."""
        return list(map(itemgetter(index), self.rows))


def read_table(
    file: Path, *, format: str = "auto", encoding: str | None = None, named: Sequence[str] = ()
) -> RecordTable:
    """Read a table; ``named`` are columns that the user speaks of, by which a header is known.

    Raises: DataError where the file cannot be read, is no table, has rows of several widths, or no rows.
    """
    if format == "parquet" or (format == "auto" and is_parquet_path(file)):
        return _read_parquet(file)
    text = read_text(file, encoding=encoding)
    return parse_table(text, file=file, format=format, named=named)


def is_parquet_path(file: Path) -> bool:
    """Tell whether a file is Parquet by its first bytes, or by its name where it is not there."""
    return is_parquet(file) or (file.suffix in SUFFIXES and not file.is_file())


def parse_table(text: str, *, file: Path, format: str = "auto", named: Sequence[str] = ()) -> RecordTable:
    """Read a table out of a text. Raises: DataError."""
    found = find_format(text, file=file) if format == "auto" else format
    if found in ("jsonl", "json"):
        return _read_json(text, file, is_array=found == "json")
    if found not in TABLE_FORMATS:
        raise _no_table(file, format)
    table = parse_delimited(text, delimiter=_delimiter(text, file, found), file=file, named=named)
    if not table.rows:
        raise DataError("the file holds a header and no rows", file=file, hint="Give a file that holds data")
    prefix = name_of(file) + ":"
    return RecordTable(
        file,
        table.dialect.format,
        table.columns,
        table.has_header,
        table.rows,
        [f"{prefix}{line}" for line in table.lines],
        is_in_doubt=table.is_in_doubt,
    )


def find_format(text: str, *, file: Path) -> str | None:
    """Return the format that a text is in: ``csv``, ``tsv``, ``jsonl``, ``json``; None for no table.

    The name of the file counts only where commas could be those of a table or those of a text.
    """
    opening = find_opening(text)
    first = opening.lines[0] if opening.lines else ""
    if is_json_array(first) or is_open_object(first):
        return "json"
    if is_json_line(first):
        return "jsonl"
    suffix = suffix_of(file)
    if suffix == ".csv":
        return "csv"
    delimiter = find_delimiter(opening)
    if delimiter == "\t" or (delimiter is None and suffix == ".tsv" and "\t" in first):
        return "tsv"
    return "csv" if delimiter is not None else None


def suffix_of(file: Path) -> str:
    """Return the suffix of a file in lower case, that of a packed file without its ``.gz``."""
    suffixes = [suffix.lower() for suffix in file.suffixes]
    if suffixes[-1:] == [".gz"]:
        suffixes.pop()
    return suffixes[-1] if suffixes else ""


def find_opening(text: str, *, most: int = 200) -> Opening:
    """Return the first lines of a text."""
    ahead = text[:_OPENING]
    while ahead.count("\n") < 3 and len(ahead) < len(text):  # long rows
        ahead = text[: 4 * len(ahead)]
    lines = split_lines(ahead)
    if len(ahead) < len(text) and len(lines) > 1:
        lines.pop()
    is_cut = len(ahead) < len(text) or len(lines) > most
    return Opening([line for line in lines[:most] if line and not line.isspace()], is_cut)


def _delimiter(text: str, file: Path, format: str) -> str:
    opening = find_opening(text)
    found = find_delimiter(opening, preferred=_PREFERRED[format])
    if found is not None:
        return found
    # No delimiter gives rows of one width: the one that stands in the first row, so that what is wrong is said.
    return next((one for one in _PREFERRED[format] if one in opening.lines[0]), _PREFERRED[format][0])


def _read_json(text: str, file: Path, *, is_array: bool) -> RecordTable:
    found = (
        parse_json_array(text, file=file)
        if is_array
        else list(parse_json_lines(split_lines(text), file=file))
    )
    if not found:
        raise DataError("the file holds no rows", file=file, hint="Give a file that holds data")
    objects = [row for _, row in found]
    check_is_no_wrapper(objects, file=file)
    columns = columns_of(objects)
    prefix = name_of(file) + ":"
    return RecordTable(
        file,
        "json" if is_array else "jsonl",
        columns,
        True,
        [tuple(map(row.get, columns)) for row in objects],
        [f"{prefix}{number}" for number, _ in found],
    )


def _read_parquet(file: Path) -> RecordTable:
    columns: tuple[str, ...] = ()
    rows: list[tuple[Any, ...]] = []
    for columns, part in iterate_parquet(file):  # noqa: B007  # the columns of all parts are the same
        rows.extend(part)
    if not rows:
        raise DataError("the file holds no rows", file=file, hint="Give a file that holds data")
    prefix = name_of(file) + ":"
    names = [f"{prefix}{number}" for number in range(1, len(rows) + 1)]
    return RecordTable(file, "parquet", columns, True, rows, names)


def _no_table(file: Path, format: str) -> DataError:
    shown = "standard input" if file == STANDARD_INPUT else "the file"
    if format != "auto":
        return DataError(
            f"{shown} is to be read as {format!r}, which is no table",
            file=file,
            hint=f"A table is one of: --format {', '.join(TABLE_FORMATS)}",
        )
    return DataError(
        f"{shown} is no table: its rows have no one number of cells separated by tabs, commas or semicolons",
        file=file,
        hint='Write a text, a tab and its label on each line, or JSON: {"text": "...", "label": "..."}',
    )
