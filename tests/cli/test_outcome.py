"""How a run ended, on the screen."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from ended_runs import write_run

from envkit.api.records import BaselineRecord, DataReport, DuplicateRecord, RunResult, TableRecord
from envkit.cli.outcome import end_run, print_outcome
from envkit.worker.folder import write_record

if TYPE_CHECKING:
    from pathlib import Path


def data_report(prediction: str, **metrics: float) -> DataReport:
    return DataReport(
        task="echo",
        labelled="text",
        files={},
        splits=[],
        labels=[],
        problems=[],
        shared=[],
        duplicates=DuplicateRecord(rows=0, contradicting=0),
        baseline=BaselineRecord(
            prediction=prediction, metrics={f"dev/{name}": value for name, value in metrics.items()}
        ),
    )


def shown(folder: Path, data: DataReport | None, capsys: pytest.CaptureFixture[str], **result: object) -> str:
    ended = RunResult(status="finished", task="echo", **result)  # type: ignore[arg-type]
    run = write_run(folder, result=ended)
    if data is not None:
        write_record(run.data_file, data)
    print_outcome(ended, folder=run.path, headline="accuracy")
    return " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize(("score", "warns"), [(0.5, True), (0.6, True), (0.61, False)])
def test_outcome_of_a_model_no_better_than_one_answer_for_all_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], score: float, warns: bool
) -> None:
    text = shown(
        tmp_path / "run", data_report("negative", accuracy=0.6), capsys, metrics={"dev/accuracy": score}
    )

    assert ("warning dev/accuracy is no better than always 'negative' (0.6000)" in text) is warns


@pytest.mark.parametrize(("score", "warnings"), [(0.5, 1), (0.61, 0)])
def test_outcome_as_json_has_the_warning_that_one_answer_for_all_would_do(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], score: float, warnings: int
) -> None:
    result = RunResult(status="finished", task="echo", metrics={"dev/accuracy": score})
    run = write_run(tmp_path / "run", result=result)
    write_record(run.data_file, data_report("negative", accuracy=0.6))

    end_run(result, folder=run, headline="accuracy", command=["run", "echo"], as_json=True)

    found = json.loads(capsys.readouterr().out)["data"]["warnings"]
    assert found == ["dev/accuracy is no better than always 'negative' (0.6000)"][:warnings]


@pytest.mark.parametrize("data", [None, data_report("negative", f1=0.9)], ids=["none", "another metric"])
def test_outcome_without_a_baseline_to_compare_with_says_nothing_of_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], data: DataReport | None
) -> None:
    text = shown(tmp_path / "run", data, capsys, metrics={"dev/accuracy": 0.1})

    assert "no better" not in text


def test_outcome_shows_the_metric_that_chose_the_model(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    scores = {"dev/accuracy": 0.0, "dev/micro_f1": 0.75}

    assert "dev/micro_f1 0.7500" in shown(tmp_path / "run", None, capsys, metrics=scores, headline="micro_f1")
    assert "dev/accuracy 0.0000" in shown(tmp_path / "old", None, capsys, metrics=scores)


def test_outcome_of_a_task_without_tables_shows_every_metric_the_headline_first(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    scores = {"train/loss": 0.1, "dev/hardness": 0.25, "dev/accuracy": 0.75}

    text = shown(tmp_path / "run", None, capsys, metrics=scores)

    assert text.startswith("dev/accuracy 0.7500 dev/hardness 0.2500 run ")


def test_outcome_of_a_task_with_tables_shows_the_headline_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = TableRecord(title="classes", columns=["class", "hardness"], rows=[["a", "0.25"]])
    scores = {"dev/hardness": 0.25, "dev/accuracy": 0.75}

    text = shown(tmp_path / "run", None, capsys, metrics=scores, tables=[table])

    assert "dev/accuracy 0.7500 run " in text
