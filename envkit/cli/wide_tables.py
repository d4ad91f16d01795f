"""Make a run's tables fit the screen: of many labels, a confusion table is wider than any terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from rich.cells import cell_len
from rich.text import Text

from envkit.cli.printable import printable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from envkit.api.records import TableRecord

MOST_CONFUSIONS = 20
_GAP = 2  # blanks between two columns
_SHORTEST_LABEL = 12  # cells on screen: less tells labels apart no more


def fit(table: TableRecord, *, width: int) -> TableRecord:
    """Return the table, changed where its lines are wider than ``width`` cells on screen.

    A confusion table becomes a list of its largest confusions. Labels that are too long are cut, and end in "…".
    """
    if _width(table) <= width:
        return table
    if table.kind == "confusion":
        return _cut_labels(_as_list(table), columns=2, width=width)
    return _cut_labels(table, columns=1, width=width)


def _as_list(table: TableRecord) -> TableRecord:
    found = [
        (str(gold), name, count)
        for gold, *counts in table.rows
        for name, count in zip(table.columns[1:], counts, strict=True)
        if count and name != gold
    ]
    found.sort(key=lambda one: -float(one[2]))
    shown = [list(one) for one in found[:MOST_CONFUSIONS]]
    told = "none is wrong"
    if found:
        told = f"{len(shown)} of {len(found)} that are wrong, the most frequent first"
    return msgspec.structs.replace(
        table,
        title=f"{table.title}\n  {told} (--json has all)",
        columns=["gold", "taken for", "count"],
        rows=shown,
    )


def _cut_labels(table: TableRecord, *, columns: int, width: int) -> TableRecord:
    """Return the table with what its first columns may have of the width, together."""
    widths = _widths(table)
    room = (width - sum(widths[columns:]) - _GAP * (len(widths) - 1)) // columns
    room = max(room, _SHORTEST_LABEL)
    if max(widths[:columns], default=0) <= room:
        return table
    rows = [[*(_cut(cell, room) for cell in row[:columns]), *row[columns:]] for row in table.rows]
    return msgspec.structs.replace(table, rows=rows)


def _cut(cell: str | float, room: int) -> str | float:
    if not isinstance(cell, str):
        return cell
    text = Text(printable(cell))
    text.truncate(room, overflow="ellipsis")
    return text.plain


def _width(table: TableRecord) -> int:
    widths = _widths(table)
    return sum(widths) + _GAP * (len(widths) - 1)


def _widths(table: TableRecord) -> list[int]:
    """Return how wide each column is on screen."""
    lines: Sequence[Sequence[str]] = [
        table.columns,
        *[[cell_text(cell) for cell in row] for row in table.rows],
    ]
    return [max(cell_len(printable(cell)) for cell in column) for column in zip(*lines, strict=True)]


def cell_text(value: str | float) -> str:
    """Return a cell of a run's table as it is shown."""
    return f"{value:.4f}" if isinstance(value, float) else str(value)
