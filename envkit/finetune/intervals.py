"""Say how far a score could have been another on other rows of the same kind."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray


def bootstrap_interval(
    counts: NDArray[Any],
    statistic: Callable[[NDArray[Any]], NDArray[Any]],
    *,
    seed: int = 0,
    resamples: int = 1000,
    level: float = 0.95,
    numbers_at_once: int = 2**22,
) -> tuple[float, float]:
    """Return the bounds of the percentile bootstrap of a score over rows (sentences, say).

    ``counts`` [rows, k] holds what each row adds to the score's sums (true positives, …); ``statistic``
    turns sums [resamples, k] into scores [resamples], not a number where the score is undefined, which
    leaves that resample out. The same counts, in any order, and seed give the same bounds.
    Resamples are drawn in blocks of up to ``numbers_at_once`` weights, eight bytes each: that
    changes nothing but the memory it takes.
    Raises: ValueError where there are no rows or no resample has a score.
    Source: Efron and Tibshirani, An Introduction to the Bootstrap, 1993, chapter 13.
    """
    if len(counts) == 0:
        raise ValueError("there are no rows to draw from")
    # Equal rows are drawn as one kind, as often as its share says: the same distribution, and thousands of
    # sentences have but a few dozen different counts.
    kinds, repeats = numpy.unique(counts, axis=0, return_counts=True)
    shares = repeats / repeats.sum()
    generator = numpy.random.default_rng(seed)
    at_once = max(1, numbers_at_once // len(kinds))
    scores = []
    for begin in range(0, resamples, at_once):
        size = min(at_once, resamples - begin)
        drawn = generator.multinomial(len(counts), shares, size=size)
        scores.append(statistic(drawn @ kinds))
    values = numpy.concatenate(scores)
    defined = values[numpy.isfinite(values)]
    if len(defined) == 0:
        raise ValueError("the score is undefined in every resample")
    tail = (1 - level) / 2
    low, high = numpy.quantile(defined, (tail, 1 - tail))
    return float(low), float(high)
