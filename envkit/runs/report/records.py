"""What the page of a run shows, part by part: all that is computed is computed here, the template only places it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from envkit.api.records import DataRecord, ErrorRecord, RunRequest
    from envkit.runs.report.charts import Chart
    from envkit.runs.report.data import DataView
    from envkit.runs.report.mistakes import SplitMistakes
    from envkit.runs.report.tables import ConfusionView, TableView


@dataclass(frozen=True, kw_only=True)
class Fact:
    """A name and what there is to say of it; ``note`` says why, or where it came from."""

    name: str
    value: str
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class Score:
    """A metric of one split: its value, and between which bounds it lies with 95 % confidence.

    ``baseline`` is what a model would score that always says the same.
    """

    value: float
    interval: tuple[float, float] | None = None
    baseline: float | None = None

    @property
    def is_share(self) -> bool:
        """Tell whether value and bounds are fractions of 1, which can be drawn on a scale."""
        return all(0 <= bound <= 1 for bound in (self.value, *(self.interval or ())))


@dataclass(frozen=True, kw_only=True)
class ScoreRow:
    """A metric in the splits that were scored, None for those that lack it."""

    metric: str
    scores: Sequence[Score | None]
    is_headline: bool


@dataclass(frozen=True, kw_only=True)
class Scores:
    """All final scores: a row a metric, a column a split; ``scorer`` is what computed them."""

    splits: Sequence[str]
    rows: Sequence[ScoreRow]
    scorer: str | None

    @property
    def headline(self) -> Sequence[tuple[str, ScoreRow, Score]]:
        """Return split, row and score of the headline metric, a split at a time."""
        return [
            (split, row, score)
            for row in self.rows
            if row.is_headline
            for split, score in zip(self.splits, row.scores, strict=True)
            if score is not None
        ]


@dataclass(frozen=True, kw_only=True)
class PhaseTime:
    """What a phase took, in seconds and as a share of all of them."""

    name: str
    seconds: float
    share: float


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What the user asked for: a command that asks for the same, and each option that is no default."""

    command: str
    options: Sequence[Fact]
    left_at_default: int


@dataclass(frozen=True, kw_only=True)
class Reproduce:
    """How to get the run again: the command, the versions it had, and the files with their hashes.

    ``versions`` are those of envkit and the plugin, in words; ``packages`` those of all that computes.
    """

    command: str
    versions: str
    seed: int | None
    packages: Sequence[Fact]
    files: Sequence[DataRecord]
    check_files: str


@dataclass(frozen=True, kw_only=True)
class RunReport:
    """All that the page shows. Parts that the run's folder lacks are None or empty, and left out."""

    request: RunRequest
    status: str
    model: str
    error: ErrorRecord | None
    scores: Scores
    figures: Sequence[Fact]
    asked: Asked
    data: DataView | None
    machine: Sequence[Fact]
    charts: Sequence[Chart]
    evaluations: TableView | None
    tables: Sequence[TableView]
    confusions: Sequence[ConfusionView]
    mistakes: Sequence[SplitMistakes]
    choices: Sequence[Fact]
    warnings: Sequence[str]
    phases: Sequence[PhaseTime]
    reproduce: Reproduce
