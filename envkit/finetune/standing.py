"""How the scores on dev stand: which state is the best so far, and whether to go on looking for a better."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import msgspec

from envkit.api import UsageError
from envkit.api.metric_names import is_lower_better

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """The best score of ``metric`` so far, the step that had it, and how many scores since were no better."""

    metric: str
    best: float | None = None
    best_step: int | None = None
    no_better: int = 0

    def check(self, names: Collection[str]) -> None:
        """Raise UsageError where the metric is not among these of an evaluation."""
        if self.metric not in names:
            raise UsageError(
                f"the metric to choose by is {self.metric}, which the evaluation does not have",
                hint=f"Choose one of these by --metric, or a task by its headline: {', '.join(sorted(names))}",
            )

    def after(self, step: int, values: Mapping[str, float]) -> Standing:
        """Return the standing after this evaluation. Raises: UsageError where it has no such metric.

        A value that is no finite number is no better than any. Of equal scores the later state is kept, for it has seen more; it is no reason to be patient, though.
        """
        self.check(values)
        value = float(values[self.metric])  # a number of NumPy or torch has no place in a record
        if not math.isfinite(value):
            return msgspec.structs.replace(self, no_better=self.no_better + 1)
        distance = 0.0 if self.best is None else value - self.best
        if is_lower_better(self.metric):
            distance = -distance
        if self.best is None or distance > 0:
            return msgspec.structs.replace(self, best=value, best_step=step, no_better=0)
        no_better = self.no_better + 1
        if distance == 0:
            return msgspec.structs.replace(self, best_step=step, no_better=no_better)
        return msgspec.structs.replace(self, no_better=no_better)
