"""Score written texts against those that were to be written."""

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
    """How well written texts agree with the gold ones, row by row."""

    gold: Sequence[str]
    written: Sequence[str]

    def metrics(self, split: str) -> dict[str, float]:
        """Return the flat metrics of this split: ``dev/exact_match`` (a fraction of 1) and so on.

        ``character_error`` counts the letters to be put in, taken out or changed, as a share of the gold ones.
        """
        right = sum(map(str.__eq__, self.gold, self.written))
        changes = sum(map(count_changes, self.gold, self.written))
        return {
            f"{split}/exact_match": right / len(self.gold),
            f"{split}/character_error": changes / sum(map(len, self.gold)),
            f"{split}/support": len(self.gold),
        }

    def table(self, split: str) -> Table:
        """Return how often each kind of mistake was made."""
        kinds = Counter(_judge(*pair) for pair in zip(self.gold, self.written, strict=True))
        rows = [(kind, kinds[kind]) for kind in ("right", "too short", "too long", "other letters")]
        return Table(title=f"{split}: what was written", columns=("text", "rows"), rows=rows, kind="errors")


def count_changes(one: str, other: str) -> int:
    """Return how many letters have to be put in, taken out or changed. Source: Wagner and Fischer, 1974."""
    last = list(range(len(other) + 1))
    for number, letter in enumerate(one, start=1):
        row = [number]
        for place, each in enumerate(other):
            row.append(min(last[place] + (letter != each), last[place + 1] + 1, row[place] + 1))
        last = row
    return last[-1]


def report_scores(judged: Mapping[str, Sequence[Prediction]]) -> Result:
    """Return metrics and tables of what was predicted, by split."""
    scores = {
        split: Score([each.fields["gold"] for each in found], [each.fields["target"] for each in found])
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


def _judge(gold: str, written: str) -> str:
    if gold == written:
        return "right"
    if len(gold) == len(written):
        return "other letters"
    return "too short" if len(written) < len(gold) else "too long"
