"""What the task is checked with: ``envkit plugin check`` and the tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

from envkit.data.squad import read_questions
from envkit.testing import Contract
from envkit_qa.read import SAMPLE_DIR
from envkit_qa.score import score

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


def score_gold(file: Path) -> Mapping[str, float]:
    """Score the first answers of a file against all of them."""
    gold = [[answer.text for answer in question.answers] for question in read_questions(file).questions]
    return score([texts[0] if texts else "" for texts in gold], gold, rules="2.0").metrics("gold")


CONTRACT = Contract(
    task="qa",
    files={split: SAMPLE_DIR / f"{split}.json" for split in ("train", "dev", "test")},
    options={"epochs": 1, "max_steps": 30, "learning_rate": 5e-3},  # by these a tiny model learns
    score_gold=score_gold,
)
