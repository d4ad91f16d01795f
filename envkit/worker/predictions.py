"""Keep the predictions that a run was scored by: ``predictions/dev.jsonl``, a line a row."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from envkit.api import PluginError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from envkit.api import Prediction, Result
    from envkit.worker.folder import RunFolder


def write_predictions(folder: RunFolder, result: Result) -> None:
    """Write a file for each split that the result has predictions of. Raises: OSError, PluginError."""
    for split, predictions in result.predictions.items():
        folder.predictions_dir.mkdir(exist_ok=True)
        write_lines(folder.predictions_dir / f"{split}.jsonl", predictions)


def write_lines(file: Path, predictions: Iterable[Prediction]) -> None:
    """Write predictions as JSONL. Raises: OSError, PluginError for a value that JSON does not have."""
    with file.open("wb") as stream:
        for prediction in predictions:
            stream.write(prediction_line(prediction))


def prediction_line(prediction: Prediction) -> bytes:
    """Return the fields as a line of JSON, with ``is_right`` and ``loss`` where these are known.

    Raises: PluginError for a value that JSON does not have.
    """
    row = dict(prediction.fields)
    if prediction.is_right is not None:
        row["is_right"] = prediction.is_right
    if prediction.loss is not None:
        row["loss"] = round(prediction.loss, 4)
    try:
        return msgspec.json.encode(row) + b"\n"
    except (TypeError, ValueError) as error:
        raise PluginError(f"a prediction has a value that JSON does not have: {error}") from error
