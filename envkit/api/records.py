"""The records of a run folder, written by the host and the worker and read by anybody."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

RECORDS_VERSION = 1

Status = Literal["finished", "cancelled", "failed", "crashed"]


class PluginRecord(msgspec.Struct, frozen=True, kw_only=True):
    """The plugin of a run."""

    distribution: str
    version: str


class EnvironmentUse(msgspec.Struct, frozen=True, kw_only=True):
    """The environment that a run used: ``kind`` is ``current`` or ``venv``."""

    kind: str
    name: str
    python: str
    reason: str


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
    """``model/envkit.json``: what made a model, so that a bare model folder can be used."""

    task: str
    plugin: PluginRecord
    environment: EnvironmentUse
    envkit: str
    created: str
    version: int = RECORDS_VERSION


class TableRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A table of the result."""

    title: str
    columns: list[str]
    rows: list[list[str | int | float]]


class ErrorRecord(msgspec.Struct, frozen=True, kw_only=True):
    """What ended a run that failed or crashed."""

    message: str
    exit_code: int
    hint: str | None = None
    traceback: str | None = None


class RunResult(msgspec.Struct, frozen=True, kw_only=True):
    """``result.json``: how a run ended, written once, by rename.

    ``seconds`` has one entry a phase; ``model_dir`` is relative to the run folder, and None where no
    model was saved.
    """

    status: Status
    task: str
    metrics: dict[str, float] = {}
    model_dir: str | None = None
    seconds: dict[str, float] = {}
    tables: list[TableRecord] = []
    error: ErrorRecord | None = None
    version: int = RECORDS_VERSION
