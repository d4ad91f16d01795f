"""What a plugin gives and gets: the task, its data, the run and the result."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, Literal, Protocol, TypeVar

from envkit.api.options import Options

OptionsT = TypeVar("OptionsT", bound=Options)
DataT = TypeVar("DataT")


@dataclass(frozen=True, kw_only=True)
class Task:
    """Describe a task to the host.

    ``options`` is the type of its options; ``headline`` the metric that says in one number how good a
    model is, without its split (``entity_f1``). Name and summary come from the package's own metadata.
    ``own_models`` are names for ``--model`` that the plugin makes from nothing: no folder of such a name in the
    working folder is meant, unless it is written as a path (``./name``).
    """

    options: type[Options]
    headline: str
    own_models: tuple[str, ...] = ()


class Reporter(Protocol):
    """How a plugin tells the user what happens. Every call is one event; none may fail the run."""

    def phase(self, name: str) -> None:
        """Begin the phase of this name."""

    def say(self, text: str) -> None:
        """Tell the user something."""

    def warn(self, text: str) -> None:
        """Tell the user something that may need an answer."""

    def plan(self, *, steps: int, epochs: float) -> None:
        """Say how many optimizer steps there will be."""

    def step(self, step: int, *, loss: float, tokens: int, learning_rate: float | None = None) -> None:
        """Report optimizer step ``step`` (from 1): mean loss an item, real tokens since the start."""

    def metrics(self, step: int, values: Mapping[str, float]) -> None:
        """Report an evaluation after ``step`` steps."""

    def choice(self, name: str, value: str, reason: str) -> None:
        """Report what was chosen where the user left it open: a precision, say."""

    def measured(self, name: str, value: float) -> None:
        """Report a figure about the run itself, such as ``padding_ratio``; the last of a name counts."""


@dataclass(frozen=True, kw_only=True)
class Request(Generic[OptionsT]):
    """What a plugin reads its data from. ``options`` holds absolute paths."""

    options: OptionsT
    report: Reporter


class ShouldStop(Protocol):
    """Tell whether the user, or the end of the host, asked the loop to stop."""

    def __call__(self) -> bool:
        """Return True from the moment the loop should stop."""


@dataclass(frozen=True, kw_only=True)
class Run(Generic[OptionsT, DataT]):
    """One fine-tuning, as its loop sees it.

    ``data`` is what the plugin's ``envkit_read`` returned; ``run_dir`` the run's folder, the only place
    to write to; ``model_dir`` the folder in it, already made, for the model. A loop asks ``should_stop``
    after every step and, when told so, saves what it has and returns. ``headline`` is the task's own
    metric, without its split; ``checkpoint`` the folder of the checkpoint to go on from, None for a run
    from the beginning; ``is_forced`` says that the user wants to go on although something has changed.
    """

    options: OptionsT
    data: DataT
    run_dir: Path
    model_dir: Path
    report: Reporter
    should_stop: ShouldStop
    headline: str = ""
    checkpoint: Path | None = None
    is_forced: bool = False

    @property
    def seed(self) -> int:
        """Return the seed of everything random."""
        return self.options.seed


@dataclass(frozen=True, kw_only=True)
class Table:
    """A small table for the screen and the record: cells are strings, counts, and fractions of 1.

    A ``confusion`` table counts: a row for each gold label, a column for each predicted one after the first
    column, which names the row; ``errors`` counts kinds of mistakes.
    """

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str | int | float]]
    kind: Literal["scores", "confusion", "errors"] = "scores"


@dataclass(frozen=True, kw_only=True)
class Prediction:
    """What a model says of one row.

    ``fields`` are those of a JSONL line, in their order, values as JSON has them: what was read, what is
    predicted, and ``gold`` where it is known; ``scores``, an object with a number for each label, in the same
    order in all rows, is written to CSV as a column a label, ``score_LABEL``. ``columns`` are the lines of the
    row in CoNLL, for tasks that label words; one without a cell is an empty line, behind a mark of a document.
    ``is_right`` is None without gold; ``loss`` says how far off the model is, so that the worst can be shown
    first: higher is worse.
    """

    fields: Mapping[str, Any]
    columns: Sequence[Sequence[str]] | None = None
    is_right: bool | None = None
    loss: float | None = None


@dataclass(frozen=True, kw_only=True)
class Result:
    """What a loop returns: flat metrics (``dev/entity_f1``) as numbers, and tables that explain them.

    ``intervals`` gives for some of the metrics the bounds between which they lie with 95 % confidence
    (those that are one number, as where all rows are right, are not shown);
    ``scorer`` says what computed them, with its version. ``predictions`` are those that were scored, by
    split, and are kept beside the model. ``decoding`` holds what using the model needs besides the model,
    values as JSON has them: a threshold, say.

    ``usage`` says, in Markdown, how the model is used with other tools; in its Python code ``folder`` is the
    model's folder, which the model card sets before the first of it. ``example`` are the texts that the card
    types behind ``envkit predict``; none where rows come from files alone. ``example_rows`` are rows as JSON has
    them, one for each way in which a row may be sent to the model; a text alone is enough where one of them has
    ``text`` and nothing else, and it is such a row where none is given.
    """

    metrics: Mapping[str, float]
    tables: Sequence[Table] = ()
    intervals: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    scorer: str = ""
    predictions: Mapping[str, Sequence[Prediction]] = field(default_factory=dict)
    decoding: Mapping[str, Any] = field(default_factory=dict)
    usage: str = ""
    example: Sequence[str] = ("text",)
    example_rows: Sequence[Mapping[str, Any]] = ()
