"""What the task is checked with: ``envkit plugin check`` and the tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

from envkit.data.texts import read_texts
from envkit.testing import Contract
from envkit_classification.read import SAMPLE_DIR
from envkit_classification.score import Score, indicators

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


def score_gold(file: Path) -> Mapping[str, float]:
    """Score the labels of a file against themselves."""
    rows = [row.labels for row in read_texts(file).rows]
    labels = tuple(sorted({label for row in rows for label in row}))
    gold = indicators(rows, labels)
    return Score(labels, gold, gold).metrics("gold")


CONTRACT = Contract(
    task="classification",
    files={split: SAMPLE_DIR / f"{split}.csv" for split in ("train", "dev", "test")},
    options={"epochs": 1, "max_steps": 40, "learning_rate": 5e-3},  # by these a tiny model learns
    score_gold=score_gold,
)
