"""Take files of a row a line apart, JSON arrays and CSV whose rows hold line ends among them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from envkit.api import DataError
from envkit.data.cut.copies import plain_text
from envkit.data.cut.documents import decode_json, encode_json
from envkit.data.cut.stratify import rarest_labels
from envkit.data.cut.units import CutFile, Unit, join_lines, keep_ends
from envkit.data.json_records import kind_of
from envkit.data.tables import find_format, read_table
from envkit.data.texts import read_texts
from envkit.data.token_rows import read_sentences

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from envkit.data.cut.units import By, Reading
    from envkit.data.kinds import Kind
    from envkit.data.tables import RecordTable


@dataclass(frozen=True, slots=True)
class _Read:
    """What a row says: its labels, and its text as copies of it have it; None where copies may be divided."""

    labels: tuple[str, ...] = ()
    text: str | None = None


@dataclass(frozen=True)
class TableLines:
    """The lines of a table's header, and those of each row."""

    head: str
    rows: list[str]


def cut_rows(text: str, file: Path, reading: Reading, kind: Kind, *, by: By) -> CutFile:
    """Take the file apart, row by row. Raises: DataError where rows, or labels to divide by, cannot be read."""
    form = find_format(text, file=file) if reading.format == "auto" else reading.format
    read = _read_rows(file, reading, kind) if by == "label" else {}
    if form == "json":
        objects = decode_json(text, file)
        if not isinstance(objects, list):
            raise DataError(
                f"expected a JSON array, or an object a line, found {kind_of(objects)}",
                file=file,
                hint="Give the rows alone, as [{…}, {…}]",
            )
        shown = [encode_json(each, encoding=reading.encoding) for each in objects]
        return CutFile(_units(shown, range(1, len(objects) + 1), read), join_array, by)
    if form in ("csv", "tsv", "jsonl"):
        columns = [name for name in (reading.text_column, reading.label_column) if name]
        named = [name for name in columns if not name.isdecimal()]
        table = read_table(file, format=form, encoding=reading.encoding, named=named)
        lines = find_lines(text, table)
        units = _units(lines.rows, map(_number, table.names), read)
        return CutFile(units, join_lines(text, head=lines.head), by)
    filled = [(number, line) for number, line in enumerate(keep_ends(text), start=1) if line.strip()]
    units = _units([line for _, line in filled], [number for number, _ in filled], read)
    return CutFile(units, join_lines(text), by)


def find_lines(text: str, table: RecordTable) -> TableLines:
    """Return the lines of the rows of a table, which this is the text of."""
    lines = keep_ends(text)
    starts = [_number(name) for name in table.names]
    ends = [*(start - 1 for start in starts[1:]), len(lines)]
    has_head = table.has_header and table.format != "jsonl"
    return TableLines(
        head="".join(lines[: starts[0] - 1]) if has_head else "",
        rows=["".join(lines[start - 1 : end]) for start, end in zip(starts, ends, strict=True)],
    )


def join_array(chosen: Sequence[Unit]) -> str:
    """Return units of JSON as one array."""
    return "[\n" + ",\n".join(unit.content for unit in chosen) + "\n]\n"


def types_of(tags: Sequence[str]) -> tuple[str, ...]:
    """Return the types of the entities that IOB2 tags name."""
    return tuple({tag[2:]: None for tag in tags if tag[2:]})


def _units(contents: Sequence[str], numbers: Iterable[int], read: dict[int, _Read]) -> tuple[Unit, ...]:
    """Return a unit for each row; those that nothing was read of are copies where they are alike as they stand."""
    found = [read.get(number) for number in numbers]
    keys = rarest_labels([() if one is None else one.labels for one in found])
    return tuple(
        Unit(content, key=key, text=plain_text(content) if one is None else one.text)
        for content, key, one in zip(contents, keys, found, strict=True)
    )


def _read_rows(file: Path, reading: Reading, kind: Kind) -> dict[int, _Read]:
    """Return labels and texts of the rows, by line or number. Raises: DataError."""
    if kind == "words":
        tagged = read_sentences(file, encoding=reading.encoding, format=reading.format, is_lenient=True)
        return {sentence.line: _Read(types_of(sentence.tags)) for sentence in tagged.sentences}
    try:
        read = read_texts(
            file,
            format=reading.format,
            encoding=reading.encoding,
            text_column=reading.text_column,
            label_column=reading.label_column,
        )
    except DataError as error:
        told = (error.hint or "").rstrip(".")
        error.hint = f"{told}. Or cut without looking at labels: --by none".removeprefix(". ")
        raise
    return {_number(row.name): _Read(row.labels, plain_text(row.text, row.pair)) for row in read.rows}


def _number(name: str) -> int:
    return int(name.rpartition(":")[2])
