"""A model folder says by itself what it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest
from echo import echo_request

from envkit.api import Options
from envkit.api.records import ModelRecord
from envkit.worker.folder import RunFolder
from envkit.worker.model_card import render_card, score_table
from envkit.worker.model_files import MODEL_RECORD, describe_model, stamp_card

if TYPE_CHECKING:
    from pathlib import Path


def test_describe_model_writes_record_and_card_beside_the_model(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    folder.model_dir.mkdir()
    (folder.model_dir / "weights").touch()
    request = echo_request()

    rows = [{"text": "A text.", "pair": "Another."}]
    described = describe_model(
        folder, request, base_model="org/base", metrics={"dev/f1": 0.5}, example_rows=rows
    )

    assert described == "model"
    record = msgspec.json.decode((folder.model_dir / MODEL_RECORD).read_bytes(), type=ModelRecord)
    assert record.example_rows == rows
    assert (record.task, record.plugin, record.environment) == (
        *("echo", request.plugin, request.environment),
    )
    card = (folder.model_dir / "README.md").read_text()
    assert "base_model: org/base\n" in card
    assert "on 2026-11-22." in card
    assert "| dev/f1 | 0.5000 |" in card
    assert "$" not in card


def test_describe_model_without_a_model_leaves_no_folder(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    folder.model_dir.mkdir()

    assert describe_model(folder, echo_request(), base_model="org/base", metrics={}) is None
    assert not folder.model_dir.exists()


def test_describe_model_keeps_the_card_that_the_plugin_wrote(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    folder.model_dir.mkdir()
    (folder.model_dir / "README.md").write_text("mine")

    describe_model(folder, echo_request(), base_model="org/base", metrics={})

    assert (folder.model_dir / "README.md").read_text() == "mine"


def test_describe_model_writes_anew_over_the_card_of_an_earlier_worker(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    folder.model_dir.mkdir()
    (folder.model_dir / "weights").touch()
    describe_model(folder, echo_request(), base_model="org/base", metrics={"dev/f1": 0.25})

    describe_model(
        folder, echo_request(), base_model="org/base", metrics={"dev/f1": 0.5}, old_card=stamp_card(folder)
    )

    assert "| dev/f1 | 0.5000 |" in (folder.model_dir / "README.md").read_text()


@pytest.mark.parametrize(
    ("model", "shown"),
    [
        ("sentence-transformers/all-MiniLM-L6-v2", "sentence-transformers/all-MiniLM-L6-v2"),
        ("/home/me/secret project/tiny", "tiny"),
        ("/models/a: b", '"a: b"'),
    ],
)
def test_card_names_the_base_model_without_its_place_on_this_machine(model: str, shown: str) -> None:
    assert f"base_model: {shown}\n" in render_card(echo_request(), base_model=model, metrics={})


@pytest.mark.parametrize(
    ("value", "cell"),
    [(0.81234, "0.8123"), (1.0, "1.0000"), (0.0, "0.0000"), (5648.0, "5648"), (2.5, "2.5000")],
)
def test_score_table_shows_fractions_with_four_digits_and_counts_whole(value: float, cell: str) -> None:
    assert score_table({"dev/x": value}).splitlines()[-1] == f"| dev/x | {cell} |"


def test_describe_model_records_options_without_files_and_what_decoding_needs(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    folder.model_dir.mkdir()
    (folder.model_dir / "weights").touch()
    options = Options(train=tmp_path / "train.txt", epochs=7, model="org/base")

    describe_model(
        folder,
        echo_request(),
        base_model="org/base",
        metrics={},
        options=options,
        decoding={"thresholds": [0.25]},
    )

    record = msgspec.json.decode((folder.model_dir / MODEL_RECORD).read_bytes(), type=ModelRecord)
    assert record.options["epochs"] == 7
    assert "train" not in record.options
    assert record.model == "org/base"
    assert record.decoding == {"thresholds": [0.25]}
