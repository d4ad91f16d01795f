"""The records of a run folder, written by the host and the worker and read by anybody."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from envkit.api.data_report import (
    BaselineRecord,
    DataReport,
    DuplicateRecord,
    DurationRecord,
    LabelRecord,
    LengthRecord,
    PieceRecord,
    ProblemRecord,
    SharedRecord,
    SplitRecord,
)
from envkit.api.versions import RECORDS_VERSION

__all__ = [
    "RECORDS_VERSION",
    "BaselineRecord",
    "ChoiceRecord",
    "DataRecord",
    "DataReport",
    "DuplicateRecord",
    "DurationRecord",
    "EnvironmentUse",
    "ErrorRecord",
    "EvaluationRecord",
    "LabelRecord",
    "LengthRecord",
    "MetricsRecord",
    "ModelRecord",
    "OptionRecord",
    "PieceRecord",
    "PluginRecord",
    "ProblemRecord",
    "RunRequest",
    "RunResult",
    "SharedRecord",
    "SplitRecord",
    "Status",
    "TableRecord",
]

Status = Literal["finished", "cancelled", "failed", "crashed"]


class PluginRecord(msgspec.Struct, frozen=True, kw_only=True):
    """The plugin of a run."""

    distribution: str
    version: str


class EnvironmentUse(msgspec.Struct, frozen=True, kw_only=True):
    """The environment that a run used: ``kind`` is ``current``, the name of a backend, or ``docker``.

    Of a container, ``name`` is ``docker:IMAGE`` as the user said it, ``image`` the engine's id, ``python`` inside it.
    """

    kind: str
    name: str
    python: str
    reason: str
    image: str = ""


class RunRequest(msgspec.Struct, frozen=True, kw_only=True):
    """``request.json``: what was asked, fully resolved, before anything ran.

    ``sources`` names for each option where its value came from (``default``, ``--epochs``,
    ``envkit.toml``, ``ENVKIT_NER_EPOCHS``, …). ``created`` is an ISO 8601 time in UTC;
    ``headline`` is the metric that says in one number how good the model is, without its split;
    ``seconds_before`` what the host spent before the worker (``environment``), which opens the result's
    ``seconds``.
    """

    id: str
    task: str
    plugin: PluginRecord
    options: dict[str, Any]
    sources: dict[str, str]
    environment: EnvironmentUse
    envkit: str
    created: str
    headline: str
    seconds_before: dict[str, float] = {}
    version: int = RECORDS_VERSION


class ModelRecord(msgspec.Struct, frozen=True, kw_only=True):
    """``model/envkit.json``: what made a model, so that a bare model folder can be used.

    ``options`` are those of its run, without files and folders; ``decoding`` is what using the model needs
    besides, and ``example_rows`` how a row of its may look; ``model`` is the name of the model that it began from;
    ``headline`` the metric that chose it, without its split, empty where that is the task's own.
    """

    task: str
    plugin: PluginRecord
    environment: EnvironmentUse
    envkit: str
    created: str
    run: str = ""
    model: str = ""
    headline: str = ""
    options: dict[str, Any] = {}
    decoding: dict[str, Any] = {}
    example_rows: list[dict[str, Any]] = []
    version: int = RECORDS_VERSION


class TableRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A table of the result."""

    title: str
    columns: list[str]
    rows: list[list[str | int | float]]
    kind: Literal["scores", "confusion", "errors"] = "scores"


class ErrorRecord(msgspec.Struct, frozen=True, kw_only=True):
    """What ended a run that failed or crashed; ``plugin`` is the one whose code was at work, with its version."""

    message: str
    exit_code: int
    hint: str | None = None
    traceback: str | None = None
    plugin: str | None = None


class RunResult(msgspec.Struct, frozen=True, kw_only=True):
    """``result.json``: how a run ended, written once, by rename.

    ``seconds`` has one entry a phase, over all workers of a run that was resumed, what they lost included;
    ``intervals`` has for some of the metrics the bounds between which they lie with 95 % confidence,
    ``scorer`` says what computed them; ``model_dir`` is relative to the run folder, and None where no model was saved;
    ``headline`` is the metric that chose the model, without its split: None means that of the request.
    """

    status: Status
    task: str
    metrics: dict[str, float] = {}
    intervals: dict[str, tuple[float, float]] = {}
    scorer: str | None = None
    model_dir: str | None = None
    seconds: dict[str, float] = {}
    tables: list[TableRecord] = []
    error: ErrorRecord | None = None
    headline: str | None = None
    version: int = RECORDS_VERSION


class EvaluationRecord(msgspec.Struct, frozen=True, kw_only=True):
    """An evaluation after ``step`` optimizer steps; ``epoch`` is None where the loop never said its plan."""

    step: int
    values: dict[str, float]
    epoch: float | None = None


class ChoiceRecord(msgspec.Struct, frozen=True, kw_only=True):
    """What the loop chose where the user left it open, and why."""

    value: str
    reason: str


class OptionRecord(msgspec.Struct, frozen=True, kw_only=True):
    """An option's value and where it came from."""

    value: Any
    source: str


class DataRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A file that the run read, as it was when the worker began: ``size`` in bytes, ``sha256`` in hexadecimal."""

    path: str
    size: int
    sha256: str


class MetricsRecord(msgspec.Struct, frozen=True, kw_only=True):
    """``metrics.json``: what came of a run and what it came of, written by the worker at its end, by rename.

    ``evaluations`` has every evaluation that counts, by step: of steps that were done twice, after a resume,
    the later. ``metrics`` are the final ones, ``intervals`` the bounds of some with 95 % confidence, ``scorer``
    what computed them. ``steps`` are those that count, ``resumed_from`` the steps at which the run was resumed.
    ``tokens`` are the real ones (no padding) that were trained on and ``seconds`` those of each phase, both
    over all workers and with what they lost; ``tokens_per_second`` is of training time alone. Peak memory is
    that of the last worker, in bytes; ``measured`` has whatever else the loop measured, by name, as it said it
    last.
    """

    run: str
    task: str
    status: Status
    evaluations: list[EvaluationRecord]
    metrics: dict[str, float]
    intervals: dict[str, tuple[float, float]]
    scorer: str | None
    steps: int
    tokens: int
    seconds: dict[str, float]
    tokens_per_second: float | None
    padding_ratio: float | None
    peak_memory_bytes: int
    peak_gpu_bytes: int | None
    resumed_from: list[int]
    seed: int | None
    choices: dict[str, ChoiceRecord]
    measured: dict[str, float]
    options: dict[str, OptionRecord]
    data: list[DataRecord]
    packages: dict[str, str]
    python: str
    version: int = RECORDS_VERSION
