"""What the task is checked with: ``envkit plugin check`` and the tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy

from envkit.data.texts import read_texts
from envkit.testing import Contract
from envkit_sentiment.read import SAMPLE_DIR
from envkit_sentiment.score import Score

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


def score_gold(file: Path) -> Mapping[str, float]:
    """Score the levels of a file against themselves."""
    names = [row.labels[0] for row in read_texts(file).rows]
    levels = sorted(set(names))
    numbers = numpy.array([levels.index(name) for name in names])
    values = [float(number) for number in range(len(levels))]
    return Score(numbers, numbers, levels, values, is_ordinal=True).metrics("gold")


CONTRACT = Contract(
    task="sentiment",
    files={split: SAMPLE_DIR / f"{split}.csv" for split in ("train", "dev", "test")},
    options={"epochs": 1, "max_steps": 40, "learning_rate": 5e-3},  # by these a tiny model learns
    score_gold=score_gold,
)
