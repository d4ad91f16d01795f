"""What a model said of each row is kept as lines of JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest

from envkit.api import PluginError, Prediction, Result
from envkit.worker.folder import RunFolder
from envkit.worker.predictions import prediction_line, write_predictions

if TYPE_CHECKING:
    from pathlib import Path


def test_write_predictions_writes_a_line_a_row_for_each_split(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    dev = [
        Prediction(fields={"name": "dev.txt:1", "label": "a", "gold": "b"}, is_right=False, loss=1.23456),
        Prediction(fields={"name": "dev.txt:2", "label": "a"}),
    ]

    write_predictions(folder, Result(metrics={}, predictions={"dev": dev, "test": []}))

    lines = (folder.predictions_dir / "dev.jsonl").read_bytes().splitlines()
    assert [msgspec.json.decode(line) for line in lines] == [
        {"name": "dev.txt:1", "label": "a", "gold": "b", "is_right": False, "loss": 1.2346},
        {"name": "dev.txt:2", "label": "a"},
    ]
    assert (folder.predictions_dir / "test.jsonl").read_bytes() == b""


def test_write_predictions_without_any_makes_no_folder(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)

    write_predictions(folder, Result(metrics={}))

    assert not folder.predictions_dir.exists()


def test_prediction_line_of_a_value_that_json_lacks_is_the_plugins_fault() -> None:
    with pytest.raises(PluginError, match="JSON does not have"):
        prediction_line(Prediction(fields={"label": object()}))
