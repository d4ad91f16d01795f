"""The look over the data at the end of a run, and the one that an environment is asked for."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import msgspec
import pytest
from echo import echo_request, install_source

from envkit.api.events import AnyEvent, Message
from envkit.api.options import to_builtins
from envkit.api.records import DataReport
from envkit.registry import load_task
from envkit.worker.data_check import CheckAnswer, CheckRequest, check_task, record_check
from envkit.worker.folder import RunFolder
from envkit.worker.reporter import EventReporter
from envkit.worker.stop import StopRequest
from envkit.worker.work import work

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def train(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a file to train on, with the task `echo` installed."""
    monkeypatch.syspath_prepend(install_source(tmp_path / "site"))
    file = tmp_path / "train.txt"
    file.write_text("one\ntwo\none\n")
    return file


def test_work_that_finishes_leaves_a_report_of_its_data(train: Path, tmp_path: Path) -> None:
    events: list[AnyEvent] = []

    result = work(
        RunFolder(tmp_path),
        echo_request(train=str(train), pause=0.02),
        report=EventReporter(events.append),
        stop=StopRequest(),
    )

    assert result.status == "finished"
    report = msgspec.json.decode((tmp_path / "data.json").read_bytes(), type=DataReport)
    assert (report.task, report.files) == ("echo", {"train": str(train)})
    assert report.splits[0].rows == 3
    assert not [event for event in events if isinstance(event, Message) and event.level == "warning"]


def test_work_that_is_stopped_looks_at_no_data(train: Path, tmp_path: Path) -> None:
    stop = StopRequest()
    stop.ask()

    work(
        RunFolder(tmp_path),
        echo_request(train=str(train)),
        report=EventReporter(lambda event: None),
        stop=stop,
    )

    assert not (tmp_path / "data.json").exists()


def test_work_whose_data_have_gone_is_finished_all_the_same(train: Path, tmp_path: Path) -> None:
    events: list[AnyEvent] = []

    def write(event: AnyEvent) -> None:
        events.append(event)
        if isinstance(event, Message):  # the plugin's, while it reads
            train.unlink(missing_ok=True)

    result = work(
        RunFolder(tmp_path),
        echo_request(train=str(train), pause=0.02),
        report=EventReporter(write),
        stop=StopRequest(),
    )

    assert result.status == "finished"
    assert any("the data could not be looked over" in e.text for e in events if isinstance(e, Message))


@pytest.mark.parametrize(
    ("data_bytes", "run_seconds", "is_there", "has_pieces_note"),
    [(10**6, 100.0, True, False), (10**7, 100.0, True, True), (10**9, 100.0, False, False)],
)
def test_record_check_costs_a_small_share_of_the_run(
    train: Path, tmp_path: Path, data_bytes: int, run_seconds: float, is_there: bool, has_pieces_note: bool
) -> None:
    task = load_task("echo")
    options = task.task.options(train=train)
    folder = RunFolder(tmp_path)

    assert record_check(task, options, folder, data_bytes=data_bytes, run_seconds=run_seconds) is None

    assert folder.data_file.exists() == is_there
    if is_there:
        left_out = json.loads(folder.data_file.read_bytes())["left_out"]
        assert ("beside this run" in "".join(left_out)) == has_pieces_note


def test_check_task_with_a_model_that_is_not_here_says_what_is_left_out(train: Path) -> None:
    request = CheckRequest(task="echo", options={"train": str(train), "model": "nobody/nothing"})

    report = check_task(load_task("echo"), request)

    assert report.pieces is None
    assert report.left_out[0].startswith("word pieces")


def test_data_check_as_a_process_answers_with_the_report(train: Path, echo_environ: dict[str, str]) -> None:
    answer = ask(CheckRequest(task="echo", options={"train": str(train)}), echo_environ)

    assert answer.report is not None
    assert answer.report.splits[0].rows == 3


def test_data_check_as_a_process_answers_with_the_error(tmp_path: Path, echo_environ: dict[str, str]) -> None:
    answer = ask(CheckRequest(task="echo", options={"data": str(tmp_path)}), echo_environ)

    assert answer.error is not None
    assert answer.error.exit_code == 2


def ask(request: CheckRequest, environ: dict[str, str]) -> CheckAnswer:
    command = [sys.executable, "-m", "envkit.worker.data_check", msgspec.json.encode(request).decode()]
    done = subprocess.run(command, env=environ, capture_output=True, check=True)
    return msgspec.json.decode(done.stdout, type=CheckAnswer)


def test_check_of_a_model_that_a_task_makes_from_nothing_reads_no_folder_of_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "cnn-lstm").mkdir()
    (tmp_path / "cnn-lstm" / "tokenizer.json").write_text("{")
    task = load_task("sentiment")
    options = {**to_builtins(task.task.options()), "model": "cnn-lstm"}

    report = check_task(task, CheckRequest(task="sentiment", options=options))

    assert report.pieces is None
    assert report.left_out[0].endswith("cnn-lstm makes its own of the texts to train on")
