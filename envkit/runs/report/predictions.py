"""Find in a file of predictions, however long, the rows where the model was most wrong."""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path


class _Judged(msgspec.Struct):
    """What of a line decides whether it is shown; the rest is only read where it is."""

    is_right: bool | None = None
    loss: float | None = None


@dataclass(frozen=True, kw_only=True)
class PredictedRow:
    """A line of a predictions file: its fields as JSON has them."""

    fields: Mapping[str, Any]
    loss: float | None


@dataclass(frozen=True, kw_only=True)
class WorstRows:
    """The worst rows of a file, the highest loss first, and how many rows there are and are wrong.

    ``wrong`` is None where no row says whether it is right: the worst are then those of the highest loss.
    """

    rows: int
    wrong: int | None
    worst: Sequence[PredictedRow]


def read_worst(file: Path, *, most: int) -> WorstRows:
    """Return the worst rows of the file. Lines that are no JSON object are left out. Raises: OSError."""
    rows = wrong = judged = 0

    def candidates() -> Iterator[tuple[float, int, bytes]]:
        nonlocal rows, wrong, judged
        for number, (head, line) in enumerate(_lines(file)):
            rows += 1
            judged += head.is_right is not None
            wrong += head.is_right is False
            if head.is_right is False or (head.is_right is None and head.loss is not None):
                yield (-1.0 if head.loss is None else head.loss, -number, line)

    worst = heapq.nlargest(most, candidates())
    return WorstRows(
        rows=rows, wrong=wrong if judged else None, worst=[_row(line) for _, _, line in worst if line]
    )


def _lines(file: Path) -> Iterator[tuple[_Judged, bytes]]:
    decoder = msgspec.json.Decoder(_Judged)
    with file.open("rb") as stream:
        for line in stream:
            try:
                yield decoder.decode(line), line
            except ValueError:  # msgspec's errors are ValueErrors; a full disk may have cut the last line
                continue


def _row(line: bytes) -> PredictedRow:
    fields: dict[str, Any] = msgspec.json.decode(line, type=dict[str, Any])
    loss = fields.pop("loss", None)
    fields.pop("is_right", None)
    return PredictedRow(fields=fields, loss=loss)
