"""Score predicted levels against gold ones; everything follows from how often each stands for each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from envkit.api import Table
from envkit.finetune.intervals import bootstrap_interval

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    Statistic = Callable[[NDArray[Any]], NDArray[Any]]


@dataclass(frozen=True)
class Score:
    """How well the levels of some texts were predicted.

    ``gold`` and ``predicted`` [rows] are numbers of ``levels``, which are in rising order and worth
    ``values``. ``is_ordinal`` adds what only a rating has.
    """

    gold: NDArray[Any]
    predicted: NDArray[Any]
    levels: Sequence[str]
    values: Sequence[float]
    is_ordinal: bool

    @property
    def confusion(self) -> NDArray[Any]:
        """Return [gold levels, predicted levels], how many texts."""
        size = len(self.levels)
        return np.bincount(self.gold * size + self.predicted, minlength=size * size).reshape(size, size)

    def metrics(self, split: str) -> dict[str, float]:
        """Return the flat metrics of this split, ``dev/accuracy`` and so on."""
        counts = self.confusion[None].astype(float)
        found = {f"{split}/{name}": _number(of(counts)) for name, of in self._statistics().items()}
        return {**found, f"{split}/support": len(self.gold)}

    def intervals(self, split: str) -> dict[str, tuple[float, float]]:
        """Return between which bounds the scores of this split lie with 95 % confidence, by its texts."""
        size = len(self.levels)
        counts = np.zeros((len(self.gold), size * size), dtype=np.int32)
        counts[np.arange(len(self.gold)), self.gold * size + self.predicted] = 1
        found = {}
        for name, of in self._statistics().items():

            def statistic(sums: NDArray[Any], of: Statistic = of) -> NDArray[Any]:
                return of(sums.reshape(-1, size, size).astype(float))

            try:
                found[f"{split}/{name}"] = bootstrap_interval(counts, statistic)
            except ValueError:  # defined in no resample: texts that are all of one level, say
                continue
        return found

    def tables(self, split: str) -> tuple[Table, ...]:
        """Return the tables of this split: each level's scores, which was taken for which, and all metrics."""
        counts = self.confusion
        right, there, found = np.diagonal(counts), counts.sum(1), counts.sum(0)
        rows = [
            (
                level,
                _share(right[number], found[number]),
                _share(right[number], there[number]),
                _share(2 * right[number], there[number] + found[number]),
                int(there[number]),
            )
            for number, level in enumerate(self.levels)
        ]
        metrics = {name.partition("/")[2]: value for name, value in self.metrics(split).items()}
        return (
            Table(
                title=f"{split}: {'ratings' if self.is_ordinal else 'polarities'}",
                columns=("label", "precision", "recall", "F1", "support"),
                rows=rows,
            ),
            Table(
                title=f"{split}: gold (rows) and predicted",
                columns=("gold", *self.levels),
                rows=[(level, *map(int, row)) for level, row in zip(self.levels, counts, strict=True)],
                kind="confusion",
            ),
            Table(
                title=f"{split}: as a whole",
                columns=tuple(metrics),
                rows=[tuple(metrics.values())],
            ),
        )

    def _statistics(self) -> dict[str, Statistic]:
        plain: dict[str, Statistic] = {"accuracy": accuracy, "macro_f1": macro_f1}
        if not self.is_ordinal:
            return plain
        apart = np.abs(np.subtract.outer(self.values, self.values))
        return {
            **plain,
            "qwk": lambda counts: weighted_kappa(counts, apart**2),
            "mae": lambda counts: mean_distance(counts, apart),
        }


def accuracy(counts: NDArray[Any]) -> NDArray[Any]:
    """Return the share that is right, [tables], of ``counts`` [tables, gold, predicted]; so all below."""
    return _ratio(np.trace(counts, axis1=1, axis2=2), counts.sum((1, 2)))


def macro_f1(counts: NDArray[Any]) -> NDArray[Any]:
    """Return the mean F1 of the levels that are there or were predicted."""
    right = np.diagonal(counts, axis1=1, axis2=2)
    both = counts.sum(1) + counts.sum(2)
    return _ratio(_ratio(2 * right, both, undefined=0.0).sum(1), (both > 0).sum(1))


def weighted_kappa(counts: NDArray[Any], costs: NDArray[Any]) -> NDArray[Any]:
    """Return the agreement beyond chance, with ``costs`` [gold, predicted] of mistakes; 1 is perfect, 0 chance.

    With the squared distance as the cost it is the quadratic weighted kappa. Where chance cannot be wrong
    either, since all texts are of one level and were predicted so, it is undefined.
    Source: Cohen, Weighted kappa, Psychological Bulletin 70, 1968.
    """
    total = counts.sum((1, 2))
    by_chance = _ratio(counts.sum(2)[:, :, None] * counts.sum(1)[:, None, :], total[:, None, None])
    return 1.0 - _ratio((counts * costs).sum((1, 2)), (by_chance * costs).sum((1, 2)))


def mean_distance(counts: NDArray[Any], distances: NDArray[Any]) -> NDArray[Any]:
    """Return how far a prediction is from the gold level, in the unit of ``distances`` [gold, predicted]."""
    return _ratio((counts * distances).sum((1, 2)), counts.sum((1, 2)))


def _ratio(part: NDArray[Any], whole: NDArray[Any], *, undefined: float = np.nan) -> NDArray[Any]:
    result = np.full(np.broadcast(part, whole).shape, undefined)
    np.divide(part, whole, out=result, where=np.broadcast_to(whole != 0, result.shape))
    return result


def _number(values: NDArray[Any]) -> float:
    """Return the one value, 1 where it is undefined: there was nothing to get wrong, and nothing was."""
    return float(values[0]) if np.isfinite(values[0]) else 1.0


def _share(part: Any, whole: Any) -> float:
    return float(part / whole) if whole else 0.0
