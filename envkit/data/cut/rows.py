"""Take files of a row a line apart, JSON arrays and CSV whose rows hold line ends among them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from envkit.api import DataError
from envkit.data.cut.stratify import rarest_labels
from envkit.data.cut.units import CutFile, Unit, join_lines, keep_ends
from envkit.data.tables import find_format, read_table
from envkit.data.texts import read_texts
from envkit.data.token_rows import read_sentences

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from envkit.data.cut.units import By, Reading
    from envkit.data.kinds import Kind


def cut_rows(text: str, file: Path, reading: Reading, kind: Kind, *, by: By) -> CutFile:
    """Take the file apart, row by row. Raises: DataError where rows, or labels to divide by, cannot be read."""
    form = find_format(text, file=file) if reading.format == "auto" else reading.format
    labels = _read_labels(file, reading, kind) if by == "label" else {}
    if form == "json":
        return _cut_array(text, labels, by=by)
    lines = keep_ends(text)
    head = ""
    if form in ("csv", "tsv", "jsonl"):
        columns = [name for name in (reading.text_column, reading.label_column) if name]
        named = [name for name in columns if not name.isdecimal()]
        table = read_table(file, format=form, encoding=reading.encoding, named=named)
        starts = [_number(name) for name in table.names]
        head = "".join(lines[: starts[0] - 1]) if table.has_header and form != "jsonl" else ""
    else:
        starts = [number for number, line in enumerate(lines, start=1) if line.strip()]
    ends = [*(start - 1 for start in starts[1:]), len(lines)]
    keys = rarest_labels([labels.get(start, ()) for start in starts])
    units = tuple(
        Unit("".join(lines[start - 1 : end]), key=key)
        for start, end, key in zip(starts, ends, keys, strict=True)
    )
    return CutFile(units, join_lines(text, head=head), by)


def _cut_array(text: str, labels: dict[int, tuple[str, ...]], *, by: By) -> CutFile:
    objects = json.loads(text)
    keys = rarest_labels([labels.get(number, ()) for number in range(1, len(objects) + 1)])
    units = tuple(Unit(each, key=key) for each, key in zip(objects, keys, strict=True))
    return CutFile(units, _join_array, by)


def _join_array(chosen: Sequence[Unit]) -> str:
    rows = ",\n".join(json.dumps(unit.content, ensure_ascii=False) for unit in chosen)
    return f"[\n{rows}\n]\n"


def _read_labels(file: Path, reading: Reading, kind: Kind) -> dict[int, tuple[str, ...]]:
    """Return the labels of the rows, by line or number. Raises: DataError."""
    if kind == "words":
        tagged = read_sentences(file, encoding=reading.encoding, format=reading.format, is_lenient=True)
        return {sentence.line: types_of(sentence.tags) for sentence in tagged.sentences}
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
    return {_number(row.name): row.labels for row in read.rows}


def types_of(tags: Sequence[str]) -> tuple[str, ...]:
    """Return the types of the entities that IOB2 tags name."""
    return tuple({tag[2:]: None for tag in tags if tag[2:]})


def _number(name: str) -> int:
    return int(name.rpartition(":")[2])
