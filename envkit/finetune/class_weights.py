"""Weights for classes of unequal size."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def balanced_weights(counts: Sequence[int]) -> list[float]:
    """Return the weight of each class of so many rows: all classes weigh the same, all rows 1 in the mean.

    A class without rows has the weight 0. Source: King and Zeng, Logistic Regression in Rare Events
    Data, 2001; scikit-learn's ``class_weight="balanced"``.
    """
    rows, classes = sum(counts), sum(count > 0 for count in counts)
    return [rows / (classes * count) if count else 0.0 for count in counts]
