"""Score relations against relations."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from envkit.api import Result, Table

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from envkit.api import Prediction


@dataclass(frozen=True)
class Score:
    """How well predicted relations agree with the gold ones, row by row; ``no_relation`` is none."""

    gold: Sequence[str]
    predicted: Sequence[str]
    no_relation: str

    def metrics(self, split: str) -> dict[str, float]:
        """Return the flat metrics of this split, over all relations but none: ``dev/micro_f1`` and so on."""
        pairs = list(zip(self.gold, self.predicted, strict=True))
        right = sum(gold == said != self.no_relation for gold, said in pairs)
        there = sum(gold != self.no_relation for gold in self.gold)
        found = sum(said != self.no_relation for said in self.predicted)
        return {
            f"{split}/micro_f1": 2 * right / (there + found) if there + found else 1.0,
            f"{split}/precision": right / found if found else 1.0,
            f"{split}/recall": right / there if there else 1.0,
            f"{split}/support": len(pairs),
        }

    def table(self, split: str) -> Table:
        """Return how often each gold relation (a row) was taken for each (a column)."""
        labels = sorted({*self.gold, *self.predicted})
        pairs = Counter(zip(self.gold, self.predicted, strict=True))
        return Table(
            title=f"{split}: gold relations (rows) and what they were taken for",
            columns=("gold", *labels),
            rows=[(gold, *(pairs[gold, label] for label in labels)) for gold in labels],
            kind="confusion",
        )


def report_scores(judged: Mapping[str, Sequence[Prediction]], no_relation: str) -> Result:
    """Return metrics and tables of what was predicted, by split."""
    scores = {
        split: Score(
            [each.fields["gold"] for each in found],
            [each.fields["relation"] for each in found],
            no_relation,
        )
        for split, found in judged.items()
    }
    metrics: dict[str, float] = {}
    for split, score in scores.items():
        metrics |= score.metrics(split)
    return Result(
        metrics=metrics,
        tables=[score.table(split) for split, score in scores.items()],
        predictions=judged,
    )
