"""Whether two results are the same, but for what rounding in batches of other shapes does to them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

# Of the same arithmetic in batches of other shapes, rounded to four digits.
_SAME_NUMBER = 2e-4


def is_same(one: Any, other: Any) -> bool:
    """Tell whether two values of a prediction say the same, numbers but for their rounding."""
    if isinstance(one, float) and isinstance(other, float | int):
        return abs(one - other) <= _SAME_NUMBER
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(is_same(one[key], other[key]) for key in one)
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        return len(one) == len(other) and all(map(is_same, one, other))
    return bool(one == other)


def differing_numbers(one: Mapping[str, float], other: Mapping[str, float]) -> dict[str, tuple[float, float]]:
    """Return the metrics that differ, with both values; one that is missing is no number."""
    # Rounding in batches of other shapes may tip a probability, never a count.
    return {
        name: (one.get(name, math.nan), other.get(name, math.nan))
        for name in sorted({*one, *other})
        # Not the other way round: what is no number is no more than anything.
        if not abs(one.get(name, math.nan) - other.get(name, math.nan)) <= _SAME_NUMBER
    }
