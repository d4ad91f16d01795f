"""What the task is checked with: ``envkit plugin check`` and the package's own tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

from envkit.testing import Contract, make_tiny_seq2seq
from envkit_seq2seq.plugin import Seq2seqOptions
from envkit_seq2seq.read import SAMPLE, read_file
from envkit_seq2seq.score import Score

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


def score_gold(file: Path) -> Mapping[str, float]:
    """Score the targets of a file against themselves."""
    texts = [row.labels[0] for row in read_file(file, Seq2seqOptions())]
    return Score(texts, texts).metrics("gold")


CONTRACT = Contract(
    task="seq2seq",
    files=SAMPLE,
    options={"epochs": 2, "batch_size": 32, "longest": 12},  # a tiny model of words learns no letters
    make_model=make_tiny_seq2seq,
    score_gold=score_gold,
)
