"""A run that fails ends with what most likely ended it, and what mends it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from echo import echo_request
from ended_runs import write_run

from envkit.api import RunFailed
from envkit.api.records import ErrorRecord, RunResult
from envkit.cli.exits import end_with
from envkit.cli.outcome import end_run
from envkit.runs.conduct import run_worker
from envkit.runs.folder import create_run

if TYPE_CHECKING:
    from pathlib import Path

NO_KERNEL = "RuntimeError: CUDA error: no kernel image is available for execution on the device"
BLAME = "This is a fault of the plugin. Send the traceback to its author"


def failure(folder: Path, error: ErrorRecord, *, log: str = "", as_json: bool = False) -> RunFailed:
    result = RunResult(status="failed", task="echo", error=error)
    run = write_run(folder, result=result)
    run.log_file.write_text(log)
    with pytest.raises(RunFailed) as caught:
        end_run(result, folder=run, headline="accuracy", command=["run", "echo"], as_json=as_json)
    return caught.value


def test_failed_run_with_a_known_trouble_ends_with_cause_and_fix_and_blames_no_plugin(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    error = ErrorRecord(message="echo failed", exit_code=5, hint=BLAME, traceback=NO_KERNEL)

    end_with(failure(tmp_path / "run", error), as_json=False, words=["run", "echo"])

    shown = capsys.readouterr().err
    assert shown.rstrip().endswith("fix: Install that one: envkit env create NAME --task echo")
    assert "likely cause: this torch holds no code for this GPU" in shown
    assert "fault of the plugin" not in shown
    assert "worker.log" in shown


def test_failed_run_as_json_has_the_cause_in_its_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    error = ErrorRecord(message="echo failed", exit_code=5, hint=BLAME, traceback=NO_KERNEL)

    end_with(failure(tmp_path / "run", error, as_json=True), as_json=True, words=["run", "echo"])

    told = json.loads(capsys.readouterr().out)["error"]
    assert told["exit_code"] == 5
    assert told["likely_cause"]["id"] == "no-kernel-image"
    assert told["likely_cause"]["line"] == NO_KERNEL
    assert told["likely_cause"]["fix"]


@pytest.mark.parametrize(
    ("error", "log", "cause"),
    [
        (ErrorRecord(message="x", exit_code=5, traceback="KeyError: 1"), NO_KERNEL, "no-kernel-image"),
        (ErrorRecord(message="x", exit_code=5, traceback="KeyError: 1"), "all is well", None),
        (ErrorRecord(message="the worker was killed by SIGKILL", exit_code=1), "", "host-memory"),
        (ErrorRecord(message="the disk is full: No space left on device", exit_code=1), "", "disk-full"),
        (ErrorRecord(message="told by itself", exit_code=1, hint="do this"), NO_KERNEL, None),
        (ErrorRecord(message="No space left on device", exit_code=2, hint="mend the data"), "", None),
    ],
    ids=["log", "unknown", "message", "disk", "no traceback: the log says nothing", "the user's own"],
)
def test_cause_of_a_failed_run_is_found_where_its_error_lies(
    tmp_path: Path, error: ErrorRecord, log: str, cause: str | None
) -> None:
    found = failure(tmp_path / "run", error, log=log).likely_cause

    assert (None if found is None else found.id) == cause


def test_failed_run_without_a_known_trouble_keeps_its_hint(tmp_path: Path) -> None:
    error = ErrorRecord(message="echo failed", exit_code=5, hint=BLAME, traceback="KeyError: 'echo'")

    assert failure(tmp_path / "run", error).hint == BLAME


def test_run_that_really_fails_ends_with_its_own_explanation(
    tmp_path: Path,
    echo_environ: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    folder = create_run(echo_request(fault="cuda", steps=1))
    result = run_worker(folder, on_event=lambda event: None, environ=echo_environ)

    with pytest.raises(RunFailed) as caught:
        end_run(result, folder=folder, headline="echo_score", command=["run", "echo"], as_json=False)
    end_with(caught.value, as_json=False, words=["run", "echo"])

    assert "likely cause: the memory of the GPU is too small" in capsys.readouterr().err
