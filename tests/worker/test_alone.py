"""A run without a host: real processes, the task `echo`."""

from __future__ import annotations

import ctypes
import json
import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest
from echo import wait_until

from envkit.runs.folder import list_runs, read_status
from envkit.worker.folder import RunFolder

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from envkit.api.records import RunResult


def start(folder: Path, *words: str, environ: Mapping[str, str], **variables: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "envkit.worker.alone", "echo", *words],
        cwd=folder,
        env={**environ, **variables},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


class Ended:
    """How a run without a host ended, and what it left."""

    def __init__(self, process: subprocess.Popen[str], folder: Path) -> None:
        self.out, self.said = process.communicate(timeout=60)
        self.code = process.returncode
        self._folder = folder

    @property
    def folder(self) -> RunFolder:
        (run,) = list_runs(self._folder / "runs")
        return run.folder

    @property
    def result(self) -> RunResult:
        result = self.folder.read_result()
        assert result is not None
        return result

    @property
    def options(self) -> dict[str, Any]:
        return self.folder.read_request().options


def run(folder: Path, *words: str, environ: Mapping[str, str], **variables: str) -> Ended:
    return Ended(start(folder, *words, environ=environ, **variables), folder)


def test_alone_runs_and_leaves_what_a_host_would_find(tmp_path: Path, echo_environ: dict[str, str]) -> None:
    ended = run(tmp_path, "--steps", "3", "--noise", environ=echo_environ)

    request = ended.folder.read_request()
    assert ended.code == 0
    assert read_status(ended.folder) == "finished"
    assert ended.result.metrics["dev/echo_score"] == 1.0
    assert (request.task, request.environment.kind, request.environment.python) == (
        "echo",
        "docker",
        sys.executable,
    )
    assert (request.sources["steps"], request.sources["pause"]) == ("--steps", "default")
    assert request.id == ended.folder.path.name
    assert (ended.folder.model_dir / "envkit.json").is_file()
    assert ended.folder.metrics_file.is_file()


def test_alone_prints_the_result_alone_on_standard_output(
    tmp_path: Path, echo_environ: dict[str, str]
) -> None:
    # A locale that lacks what libraries print, and refuses it.
    ended = run(tmp_path, "--noise", environ=echo_environ, PYTHONIOENCODING="ascii:strict")

    assert ended.out == f"dev/echo_score 1.0000  model runs/{ended.folder.path.name}/model\n"
    assert ended.folder.log_file.stat().st_size > 0


def test_alone_says_how_it_goes_in_plain_lines(tmp_path: Path, echo_environ: dict[str, str]) -> None:
    ended = run(tmp_path, "--steps", "3", environ=echo_environ)

    lines = ended.said.splitlines()
    assert lines[0] == f"Run folder: runs/{ended.folder.path.name}"
    assert [line for line in lines if line in ("read", "load", "train", "evaluate")] == [
        "read",
        "load",
        "train",
        "evaluate",
    ]
    (last,) = [line for line in lines if line.startswith("step 3/3")]
    assert last.startswith("step 3/3  loss ")
    assert last.endswith("  dev/echo_score 1.0000")
    assert "\x1b" not in ended.said


def test_alone_takes_options_from_variables_and_flags_over_them(
    tmp_path: Path, echo_environ: dict[str, str]
) -> None:
    data = tmp_path / "data.txt"
    data.write_text("one\n")
    ended = run(
        tmp_path,
        *("--steps=2", "--no-words", "--data", "data.txt", "--run-dir", "runs/mine"),
        environ=echo_environ,
        ENVKIT_ECHO_STEPS="9",
        ENVKIT_ECHO_SEED="7",
        ENVKIT_ECHO_TRAIN="gone.txt",
        ENVKIT_NER_EPOCHS="1",
    )

    request = RunFolder(tmp_path / "runs" / "mine").read_request()
    assert ended.code == 0
    assert (request.options["steps"], request.options["words"], request.options["seed"]) == (2, False, 7)
    assert (request.options["data"], request.options["train"]) == (str(data), None)
    assert request.sources["seed"] == "ENVKIT_ECHO_SEED"


def test_alone_lists_its_options_with_their_defaults(tmp_path: Path, echo_environ: dict[str, str]) -> None:
    ended = run(tmp_path, "--steps", "3", "--help", environ=echo_environ)

    assert (ended.code, ended.said) == (0, "")
    assert "  --steps INTEGER\n      Steps to count. [default: 5; x>=0]\n" in ended.out
    assert "  --noise/--no-noise\n" in ended.out
    assert "--run-dir DIR" in ended.out
    assert "ENVKIT_ECHO_EPOCHS" in ended.out
    assert max(map(len, ended.out.splitlines())) <= 80
    assert not (tmp_path / "runs").exists()


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_alone_that_is_stopped_saves_and_says_where(
    tmp_path: Path, echo_environ: dict[str, str], number: signal.Signals
) -> None:
    process = start(tmp_path, "--steps", "1000", "--pause", "0.01", environ=echo_environ)
    wait_until(lambda: any(b'"step"' in file.read_bytes() for file in tmp_path.glob("runs/*/events.jsonl")))
    process.send_signal(number)
    ended = Ended(process, tmp_path)

    assert (ended.code, ended.out) == (130, "")
    assert ended.result.status == "cancelled"
    assert "Stopping at the next step" in ended.said
    assert f"the model so far: runs/{ended.folder.path.name}/model" in ended.said


@pytest.mark.slow
def test_alone_that_is_stopped_twice_ends_at_once_and_leaves_a_record(
    tmp_path: Path, echo_environ: dict[str, str]
) -> None:
    process = start(tmp_path, "--steps", "1000", "--pause", "0.05", "--deaf", environ=echo_environ)
    wait_until(lambda: any(b'"step"' in file.read_bytes() for file in tmp_path.glob("runs/*/events.jsonl")))
    process.terminate()
    time.sleep(0.2)  # two signals at once are one
    process.terminate()
    ended = Ended(process, tmp_path)

    assert ended.code == 130
    assert ended.result.status == "cancelled"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("fault", "code", "message", "hint"),
    [
        ("data", 2, "error: echo.txt:3: there is nothing to echo", "hint: Write something into it"),
        ("raise", 5, "error: envkit-echo 0.1.0 failed: KeyError", "/issues"),
        ("cuda", 1, "error: the memory is too small for this run: CUDA out of memory", "hint: "),
    ],
)
def test_alone_that_fails_says_why_and_records_it(
    tmp_path: Path, echo_environ: dict[str, str], fault: str, code: int, message: str, hint: str
) -> None:
    ended = run(tmp_path, "--fault", fault, environ=echo_environ)

    assert (ended.code, ended.out) == (code, "")
    assert message in ended.said
    assert hint in ended.said
    assert ended.result.error is not None
    assert ended.result.error.exit_code == code


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--stesp", "3"], "error: there is no option --stesp\nhint: Did you mean --steps?\n"),
        (["--run-dir", "there"], "exists already, and a run never writes over another\nhint: Name another"),
    ],
)
def test_alone_asked_for_what_cannot_be_says_so_and_makes_nothing(
    tmp_path: Path, echo_environ: dict[str, str], words: list[str], message: str
) -> None:
    (tmp_path / "there").mkdir()
    ended = run(tmp_path, *words, environ=echo_environ)

    assert (ended.code, ended.out) == (2, "")
    assert message in ended.said
    assert not (tmp_path / "runs").exists()


def test_alone_where_nothing_can_be_written_says_how_to_mount_a_folder(
    tmp_path: Path, echo_environ: dict[str, str]
) -> None:
    (tmp_path / "runs").write_text("a file where the folder should be\n")
    ended = run(tmp_path, environ=echo_environ)

    assert ended.code == 2
    assert "cannot be made" in ended.said
    assert "docker run --user" in ended.said


def bar_working_folder() -> None:
    """Let nobody into the folder that a new process works in, not even it, as another user's folder in an image."""
    os.chmod(".", 0)  # noqa: PTH101  # after a fork as little as can be
    if os.geteuid() == 0:
        for capability in (1, 2):  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH: gone with the next program
            ctypes.CDLL(None).prctl(24, capability)  # PR_CAPBSET_DROP


@pytest.mark.slow
@pytest.mark.parametrize("words", [(), ("--run-dir", "mine")])
def test_alone_in_a_folder_that_may_not_be_entered_says_how_to_be_oneself(
    tmp_path: Path, echo_environ: dict[str, str], words: tuple[str, ...]
) -> None:
    here = tmp_path / "work"
    here.mkdir()
    done = subprocess.run(
        [sys.executable, "-m", "envkit.worker.alone", "echo", *words],
        cwd=here,
        env=echo_environ,
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=bar_working_folder,
    )
    here.chmod(0o700)

    assert done.returncode == 2, done.stderr
    assert "cannot be made: Permission denied" in done.stderr
    assert "docker run --user" in done.stderr
    assert "Traceback" not in done.stderr


def test_alone_without_a_task_takes_the_only_one_or_names_those_there_are(
    tmp_path: Path, echo_environ: dict[str, str]
) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "envkit.worker.alone", "--help"],
        cwd=tmp_path,
        env=echo_environ,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode in (0, 2)  # other plugins may be installed beside this one
    assert "echo" in done.stdout + done.stderr


@pytest.mark.torch
@pytest.mark.slow
def test_alone_fine_tunes_on_the_sample_of_a_real_task(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-I", "-m", "envkit.worker.alone", "ner", "--max-steps", "2"],
        cwd=tmp_path,
        env={**os.environ, "HF_HUB_OFFLINE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )

    (folder,) = (tmp_path / "runs").iterdir()
    assert done.returncode == 0
    assert done.stdout.startswith("dev/entity_f1 ")
    assert "sample" in done.stderr
    assert json.loads((folder / "result.json").read_bytes())["status"] == "finished"
