"""Turn the scores that a plugin returns into a record: plain numbers and text."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from envkit.api.records import TableRecord
from envkit.worker.reporter import plain_text
from envkit.worker.use_request import Scores

if TYPE_CHECKING:
    from envkit.api import Result
    from envkit.registry import LoadedTask
    from envkit.worker.reporter import EventReporter


def record_scores(result: Result, plugin: LoadedTask, *, report: EventReporter, kept: int | None) -> Scores:
    """Return the record of these scores; numbers that are none are left out, with a warning."""
    bounds = {name: (float(low), float(high)) for name, (low, high) in result.intervals.items()}
    return Scores(
        task=plugin.entry.name,
        headline=plugin.task.headline,
        metrics=report.numbers(result.metrics),
        intervals={plain_text(name): pair for name, pair in bounds.items() if all(map(math.isfinite, pair))},
        scorer=plain_text(result.scorer) or None,
        tables=[
            TableRecord(
                title=plain_text(table.title),
                columns=[plain_text(column) for column in table.columns],
                rows=[[_cell(cell) for cell in row] for row in table.rows],
                kind=table.kind,
            )
            for table in result.tables
        ],
        kept=kept,
    )


def _cell(value: Any) -> str | int | float:
    if isinstance(value, str):
        return plain_text(value)
    number = value.item() if hasattr(value, "item") else value  # a scalar of NumPy or torch
    if isinstance(number, float):
        return float(number) if math.isfinite(number) else "-"
    return number if isinstance(number, int) else plain_text(number)
