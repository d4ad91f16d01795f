"""How much is computed for nothing when rows of unequal length are padded to one: in random order, and grouped.

The arithmetic is that of ``envkit.finetune.batching``, which plans the steps of a run, without NumPy.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

# As runs group: rows are sorted by length within as many steps' worth, or as many rows, as this.
GROUP_STEPS = 50
SMALLEST_GROUP = 512


@dataclass(frozen=True)
class Step:
    """What a step holds: so many rows, or so many tokens with padding; exactly one is given."""

    rows: int | None = None
    tokens: int | None = None

    def rows_of(self, mean_length: float) -> int:
        """Return how many rows of this mean length make a step, at least 1."""
        return self.rows or max(1, round((self.tokens or 0) / max(1.0, mean_length)))

    def __str__(self) -> str:
        return f"{self.tokens} tokens" if self.rows is None else f"{self.rows} rows"


@dataclass(frozen=True)
class Padding:
    """Pieces computed / real pieces, at least 1, in both orders."""

    random: float
    grouped: float


def measure_padding(lengths: Sequence[int], step: Step, *, seed: int = 0) -> Padding:
    """Cut rows of these lengths into steps in random order, and grouped by length, and compare the padding."""
    if not sum(lengths):
        return Padding(1.0, 1.0)
    order = list(lengths)
    random.Random(seed).shuffle(order)
    rows = step.rows_of(sum(order) / len(order))
    loose = [order[start : start + rows] for start in range(0, len(order), rows)]
    size = max(SMALLEST_GROUP, GROUP_STEPS * rows)
    grouped: list[list[int]] = []
    for start in range(0, len(order), size):
        grouped += _cut(sorted(order[start : start + size], reverse=True), step)
    return Padding(_ratio(loose), _ratio(grouped))


def _cut(lengths: Sequence[int], step: Step) -> list[list[int]]:
    """Cut lengths, the longest first, into steps."""
    parts: list[list[int]] = []
    for length in lengths:
        last = parts[-1] if parts else []
        if step.rows is not None:
            has_room = 0 < len(last) < step.rows
        else:
            has_room = bool(last) and (len(last) + 1) * last[0] <= (step.tokens or 0)
        if has_room:
            last.append(length)
        else:
            parts.append([length])
    return parts


def _ratio(batches: Sequence[Sequence[int]]) -> float:
    real = sum(map(sum, batches))
    return sum(len(batch) * max(batch) for batch in batches) / real
