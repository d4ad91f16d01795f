"""Saved models of the task `echo`, and requests to use one."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from envkit.api.records import EnvironmentUse, ModelRecord, PluginRecord
from envkit.worker.folder import write_record
from envkit.worker.model_files import MODEL_RECORD
from envkit.worker.use_request import PredictRequest, ScoreRequest

if TYPE_CHECKING:
    from pathlib import Path

HERE = EnvironmentUse(kind="current", name="current", python=sys.executable, reason="the test says so")


def echo_record(*, version: str = "0.1.0", task: str = "echo", **options: Any) -> ModelRecord:
    """Return the record of a model that this interpreter made."""
    return ModelRecord(
        task=task,
        plugin=PluginRecord(distribution="envkit-echo", version=version),
        environment=HERE,
        envkit="0.1.0",
        created="2026-11-22T14:15:03Z",
        run="20261122-141503-echo-4f2a",
        options=options,
    )


def save_echo_model(folder: Path, record: ModelRecord | None = None) -> Path:
    """Make a model that has counted to 5, as a run leaves it, and return its folder."""
    folder.mkdir(parents=True)
    (folder / "count.txt").write_text("5\n")
    write_record(folder / MODEL_RECORD, record or echo_record())
    return folder


def predict_request(
    model_dir: Path, *texts: str, record: ModelRecord | None = None, **more: Any
) -> PredictRequest:
    """Return the request to predict on these texts."""
    return PredictRequest(
        model_dir=str(model_dir), model=record or echo_record(), environment=HERE, texts=list(texts), **more
    )


def score_request(
    model_dir: Path, file: Path, *, record: ModelRecord | None = None, **more: Any
) -> ScoreRequest:
    """Return the request to score the model on a file."""
    return ScoreRequest(
        model_dir=str(model_dir), model=record or echo_record(), environment=HERE, file=str(file), **more
    )
