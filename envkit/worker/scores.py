"""Turn the scores that a plugin returns into a record: plain numbers and text."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import msgspec

from envkit.api.records import TableRecord
from envkit.worker.reporter import plain_text

if TYPE_CHECKING:
    from envkit.api import Result, Table
    from envkit.worker.reporter import EventReporter


class PlainScores(msgspec.Struct, frozen=True, kw_only=True):
    """The scores of a Result, as a record holds them; fields as in RunResult."""

    metrics: dict[str, float]
    intervals: dict[str, tuple[float, float]]
    scorer: str | None
    tables: list[TableRecord]


def plain_scores(result: Result, report: EventReporter) -> PlainScores:
    """Return the scores as plain numbers and text; numbers that are none are left out, with a warning.

    So are intervals that are a point: where all rows are right, as six may well be, no resample differs from
    them, and "between 1 and 1" would promise a certainty that nothing has shown.
    """
    bounds = {name: (float(low), float(high)) for name, (low, high) in result.intervals.items()}
    return PlainScores(
        metrics=report.numbers(result.metrics),
        intervals={
            plain_text(name): pair
            for name, pair in bounds.items()
            if all(map(math.isfinite, pair)) and pair[0] < pair[1]
        },
        scorer=plain_text(result.scorer) or None,
        tables=[_plain_table(table) for table in result.tables],
    )


def _plain_table(table: Table) -> TableRecord:
    return TableRecord(
        title=plain_text(table.title),
        columns=[plain_text(column) for column in table.columns],
        rows=[[_cell(cell) for cell in row] for row in table.rows],
        kind=table.kind,
    )


def _cell(value: Any) -> str | int | float:
    if isinstance(value, str):
        return plain_text(value)
    number = value.item() if hasattr(value, "item") else value  # a scalar of NumPy or torch
    if isinstance(number, float):
        return float(number) if math.isfinite(number) else "-"
    return number if isinstance(number, int) else plain_text(number)
