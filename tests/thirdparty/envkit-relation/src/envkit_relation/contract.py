"""What the task is checked with: ``envkit plugin check`` and the package's own tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

from envkit.testing import Contract
from envkit_relation.plugin import RelationOptions
from envkit_relation.read import SAMPLE, read_file
from envkit_relation.score import Score

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


def score_gold(file: Path) -> Mapping[str, float]:
    """Score the labels of a file against themselves."""
    options = RelationOptions()
    labels = [row.labels[0] for row in read_file(file, options)]
    return Score(labels, labels, options.no_relation).metrics("gold")


CONTRACT = Contract(
    task="relation",
    files=SAMPLE,
    options={"epochs": 20, "batch_size": 4, "learning_rate": 3e-3},  # by these a tiny model learns
    score_gold=score_gold,
)
