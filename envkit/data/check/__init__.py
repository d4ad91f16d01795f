"""Look over a corpus before anything is trained: what is in it, and what will harm a run. No torch, no files."""

from envkit.data.check.pieces import PieceCounter, PieceCounts
from envkit.data.check.report import check_corpus

__all__ = ["PieceCounter", "PieceCounts", "check_corpus"]
