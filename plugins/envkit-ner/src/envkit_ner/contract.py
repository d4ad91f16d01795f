"""What the task is checked with: ``envkit plugin check`` and the tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

from envkit.data.token_rows import read_sentences
from envkit.testing import Contract
from envkit_ner.read import SAMPLE_DIR
from envkit_ner.score import score

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


def score_gold(file: Path) -> Mapping[str, float]:
    """Score the tags of a file against themselves."""
    tags = [sentence.tags for sentence in read_sentences(file).sentences]
    return score(tags, tags).metrics("gold")


CONTRACT = Contract(
    task="ner",
    files={split: SAMPLE_DIR / f"{split}.conll" for split in ("train", "dev", "test")},
    options={"epochs": 1, "max_steps": 40, "learning_rate": 5e-3},  # by these a tiny model learns
    score_gold=score_gold,
)
