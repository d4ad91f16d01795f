"""Turn a model's scores into labels: the likeliest one, or all whose probability reaches their threshold."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

USUAL_THRESHOLD = 0.5
_THRESHOLDS = "thresholds"


@dataclass(frozen=True)
class Decoder:
    """What evaluation and use decode by: the labels in the model's order, and where a text may have several
    of them, the ``thresholds``, one for each.
    """

    labels: tuple[str, ...]
    thresholds: tuple[float, ...] | None = None

    @classmethod
    def of(cls, labels: Sequence[str], decoding: Mapping[str, Any], *, is_multi_label: bool) -> Decoder:
        """Return the decoder that ``record`` described; labels without a threshold have 0.5."""
        if not is_multi_label:
            return cls(tuple(labels))
        known = decoding.get(_THRESHOLDS, {})
        return cls(tuple(labels), tuple(float(known.get(label, USUAL_THRESHOLD)) for label in labels))

    def record(self) -> dict[str, Any]:
        """Return what using the model needs to know, as JSON has it."""
        if self.thresholds is None:
            return {}
        return {_THRESHOLDS: dict(zip(self.labels, self.thresholds, strict=True))}

    def probabilities(self, logits: Any) -> Any:
        """Return the probability of each label [rows, labels] for logits [rows, labels], in float64."""
        wide = np.asarray(logits, dtype=np.float64)
        if self.thresholds is not None:
            return np.exp(-np.logaddexp(0.0, -wide))
        return np.exp(log_softmax(wide))

    def choose(self, probabilities: Any) -> Any:
        """Return which labels each row has, as booleans [rows, labels]."""
        if self.thresholds is not None:
            return probabilities >= np.array(self.thresholds)
        chosen = np.zeros(probabilities.shape, dtype=bool)
        chosen[np.arange(len(chosen)), probabilities.argmax(-1)] = True
        return chosen

    def losses(self, logits: Any, gold: Any) -> Any:
        """Return how far off each row is [rows]: minus the log probability of its label, or the mean over
        the labels of that of having it or not.
        """
        wide = np.asarray(logits, dtype=np.float64)
        if self.thresholds is None:
            return -(log_softmax(wide) * gold).sum(-1)
        return np.logaddexp(0.0, np.where(gold, -wide, wide)).mean(-1)

    def sureness(self, probabilities: Any, chosen: Any) -> Any:
        """Return the probability of what is chosen [rows]: of the label, or of being right about one of them.

        The latter is the geometric mean over all labels of that of having it or not: the product, which is
        the probability of the whole set where labels are independent, is next to 0 for many labels.
        """
        if self.thresholds is None:
            return probabilities.max(-1)
        each = np.where(chosen, probabilities, 1 - probabilities)
        return np.exp(np.log(each.clip(np.finfo(float).tiny)).mean(-1))


def log_softmax(logits: Any) -> Any:
    """Return the logarithms of the softmax over the last axis."""
    moved = logits - logits.max(-1, keepdims=True)
    return moved - np.log(np.exp(moved).sum(-1, keepdims=True))


def choose_thresholds(probabilities: Any, gold: Any) -> tuple[float, ...]:
    """Return for each label the threshold of the highest F1 over these rows, 0.5 for a label that none has.

    ``probabilities`` and ``gold`` (booleans) are [rows, labels]. A threshold lies midway between two
    probabilities, so that sums which round otherwise change nothing; of equal ones that nearest 0.5 is taken.
    """
    return tuple(_best_threshold(probabilities[:, label], gold[:, label]) for label in range(gold.shape[1]))


def _best_threshold(probabilities: Any, gold: Any) -> float:
    there = int(gold.sum())
    if there == 0:
        return USUAL_THRESHOLD
    order = np.argsort(-probabilities, kind="stable")
    falling = probabilities[order]
    below = np.append(falling[1:], 0.0)
    # Between equal probabilities there is no place for a threshold.
    cuts = np.flatnonzero(falling > below)
    if len(cuts) == 0:
        return USUAL_THRESHOLD
    f1 = 2 * np.cumsum(gold[order])[cuts] / (cuts + 1 + there)
    thresholds = (falling[cuts] + below[cuts]) / 2
    best = f1 >= f1.max() - 1e-12
    return float(thresholds[best][np.abs(thresholds[best] - USUAL_THRESHOLD).argmin()])
