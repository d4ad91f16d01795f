"""Score labels against labels, with scikit-learn's definitions."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.metrics import f1_score, matthews_corrcoef, precision_recall_fscore_support

from envkit.api import Table
from envkit.finetune.intervals import bootstrap_interval
from envkit_classification.plugin import ClassificationOptions

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

METRICS = ClassificationOptions.dev_metrics
SCORER = f"scikit-learn {version('scikit-learn')}"
# Beyond, the counts of all rows and classes take too much room; the accuracy alone gets its bounds.
_MOST_COUNTS = 30_000_000


@dataclass(frozen=True)
class Score:
    """How well chosen labels agree with the gold ones; both are booleans [rows, labels].

    Where ``thresholds`` are given a text has any number of labels, else one. Labels that are neither there
    nor chosen count in no mean, as scikit-learn has it by default.
    """

    labels: tuple[str, ...]
    gold: Any
    chosen: Any
    thresholds: tuple[float, ...] | None = None

    @property
    def is_right(self) -> Any:
        """Return for each row whether all its labels are right and none is missing."""
        return (self.gold == self.chosen).all(-1)

    def metrics(self, split: str) -> dict[str, float]:
        """Return the flat metrics of this split, ``dev/accuracy`` and so on.

        With several labels a text, ``accuracy`` is the share of texts whose labels are exactly right and
        ``matthews`` the mean over the labels.
        """
        values = (
            float(self.is_right.mean()),
            self._f1("macro"),
            self._f1("micro"),
            self._matthews(),
            len(self.gold),
        )
        return {f"{split}/{name}": value for name, value in zip(METRICS, values, strict=True)}

    def intervals(self, split: str) -> dict[str, tuple[float, float]]:
        """Return between which bounds scores of this split lie with 95 % confidence, by its rows."""
        statistics = STATISTICS if 3 * self.gold.size <= _MOST_COUNTS else {"accuracy": _accuracy}
        counts = self.counts() if statistics is STATISTICS else self._right()
        return {
            f"{split}/{name}": bootstrap_interval(counts, statistic) for name, statistic in statistics.items()
        }

    def counts(self) -> Any:
        """Return what each row adds to the sums of which the STATISTICS are made [rows, 2 + 3 labels]."""
        parts = (self._right(), self.gold & self.chosen, self.chosen, self.gold)
        return np.concatenate([part.astype(np.float32) for part in parts], axis=1)

    def _right(self) -> Any:
        return np.stack([self.is_right, np.ones(len(self.gold))], axis=1)

    def tables(self, split: str) -> tuple[Table, ...]:
        """Return the tables of this split: scores by label, and where a text has one, what is taken for what."""
        by_label = self._by_label(split)
        return (by_label,) if self.thresholds is not None else (by_label, self._confusion(split))

    def _f1(self, average: str) -> float:
        seen = self._seen()
        if not len(seen):
            return 0.0
        gold, chosen = _widened(self.gold), _widened(self.chosen)
        return float(f1_score(gold, chosen, labels=seen, average=average, zero_division=0))

    def _matthews(self) -> float:
        if self.thresholds is None:
            return _correlation(self.gold.argmax(-1), self.chosen.argmax(-1))
        seen = self._seen()
        each = [_correlation(self.gold[:, label], self.chosen[:, label]) for label in seen]
        return float(np.mean(each)) if each else 0.0

    def _seen(self) -> Any:
        """Return the numbers of the labels that are there or chosen."""
        return np.flatnonzero(self.gold.any(0) | self.chosen.any(0))

    def _by_label(self, split: str) -> Table:
        precision, recall, f1, there = precision_recall_fscore_support(
            _widened(self.gold), _widened(self.chosen), average=None, zero_division=0
        )
        rows: list[tuple[str | int | float, ...]] = []
        for number, label in enumerate(self.labels):
            cells = (float(precision[number]), float(recall[number]), float(f1[number]), int(there[number]))
            rows.append(
                (label, *cells) if self.thresholds is None else (label, *cells, self.thresholds[number])
            )
        seen = self._seen()
        means = [float(part[seen].mean()) if len(seen) else 0.0 for part in (precision, recall, f1)]
        last: tuple[str | int | float, ...] = ("mean", *means, len(self.gold))
        rows.append(last if self.thresholds is None else (*last, "-"))
        columns = ("label", "precision", "recall", "F1", "support")
        return Table(
            title=f"{split}: by label",
            columns=columns if self.thresholds is None else (*columns, "threshold"),
            rows=rows,
        )

    def _confusion(self, split: str) -> Table:
        counts = self.gold.astype(int).T @ self.chosen.astype(int)
        return Table(
            title=f"{split}: gold labels (rows) and what they were taken for",
            columns=("gold", *self.labels),
            rows=[(label, *map(int, counts[number])) for number, label in enumerate(self.labels)],
            kind="confusion",
        )


def metric_names(split: str) -> tuple[str, ...]:
    """Return the names of all metrics of this split."""
    return tuple(f"{split}/{name}" for name in METRICS)


def indicators(rows: Sequence[Sequence[str]], labels: Sequence[str]) -> Any:
    """Return which of the labels each row has, as booleans [rows, labels]."""
    numbers = {label: number for number, label in enumerate(labels)}
    found = np.zeros((len(rows), len(labels)), dtype=bool)
    places = [(row, numbers[label]) for row, of_row in enumerate(rows) for label in of_row]
    if places:
        found[tuple(np.array(places).T)] = True
    return found


def _widened(rows: Any) -> Any:
    """Return the rows with a label more, which none has: scikit-learn takes a single column for classes 0 and 1."""
    return np.pad(rows, ((0, 0), (0, 1))).astype(int)


def _correlation(gold: Any, chosen: Any) -> float:
    """Return Matthews' correlation, 0 where it is undefined: one side says the same of every row."""
    if len(np.unique(gold)) < 2 or len(np.unique(chosen)) < 2:
        return 0.0  # so scikit-learn has it too, with a warning
    return float(matthews_corrcoef(gold, chosen))


# Of sums [..., 2 + 3 labels]: rows that are right, rows; then for each label right, chosen and there.


def _accuracy(sums: Any) -> Any:
    return sums[..., 0] / sums[..., 1]


def _macro_f1(sums: Any) -> Any:
    right, found = _split(sums)
    seen = found > 0
    return np.where(seen, 2 * right / np.where(seen, found, 1), 0).sum(-1) / seen.sum(-1).clip(1)


def _micro_f1(sums: Any) -> Any:
    right, found = _split(sums)
    return 2 * right.sum(-1) / found.sum(-1).clip(1)


def _split(sums: Any) -> tuple[Any, Any]:
    """Return for each label what is right, and what is chosen and there together."""
    right, chosen, there = np.split(sums[..., 2:], 3, axis=-1)
    return right, chosen + there


# Metrics, without their split, from such sums: what a bootstrap computes of each sample.
STATISTICS: Mapping[str, Callable[[Any], Any]] = {
    "accuracy": _accuracy,
    "macro_f1": _macro_f1,
    "micro_f1": _micro_f1,
}
