"""What a plugin gives so that its models can be used: predictions for new data, and scores on labelled data."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, Protocol

from envkit.api.task import OptionsT, Prediction, Reporter, Result


@dataclass(frozen=True, kw_only=True)
class Inputs:
    """What to predict on: ``texts`` as they were typed, or ``file``; ``Path("-")`` is standard input.

    A file is read as the task's data is, without labels; ``format`` and ``encoding`` as in FileOptions.
    """

    texts: Sequence[str] = ()
    file: Path | None = None
    format: str = "auto"
    encoding: str | None = None


class Predictor(Protocol):
    """A model that is loaded and ready. Both methods decode as the training's evaluations did."""

    def predict(self, inputs: Inputs) -> Iterator[Prediction]:
        """Yield a prediction for each row, in the order of the rows, as they come in. Raises: DataError."""

    def score(self, file: Path) -> Result:
        """Score the model on a file with labels; the metrics begin with ``test/``. Raises: DataError."""


@dataclass(frozen=True, kw_only=True)
class PredictorRequest(Generic[OptionsT]):
    """What a plugin makes a predictor from.

    ``model_dir`` is what ``run.model_dir`` was; ``options`` are those of its run, without files, where
    ``device`` is the one to compute on now; ``decoding`` is what the run's Result said.
    """

    model_dir: Path
    options: OptionsT
    report: Reporter
    decoding: Mapping[str, Any] = field(default_factory=dict)
