"""`envkit runs resume` from its words to its last line, with the task `echo` in this interpreter."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from echo import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = pytest.mark.slow

ENVKIT = [sys.executable, "-m", "envkit"]


def run_envkit(folder: Path, environ: dict[str, str], *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*ENVKIT, *words],
        cwd=folder,
        env=environ,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        check=False,
    )


@pytest.fixture(scope="module")
def environ(tmp_path_factory: pytest.TempPathFactory, echo_environ: dict[str, str]) -> dict[str, str]:
    return {**echo_environ, "ENVKIT_HOME": str(tmp_path_factory.mktemp("home")), "NO_COLOR": "1"}


@pytest.fixture
def envkit(tmp_path: Path, environ: dict[str, str]) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run a command in this test's folder."""
    return lambda *words, **more: run_envkit(tmp_path, {**environ, **more}, *words)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, environ: dict[str, str]) -> Path:
    """Return a folder with data and a run of 10 steps that was killed after 8, two after a checkpoint."""
    folder = tmp_path_factory.mktemp("place")
    (folder / "train.txt").write_text("one\n")
    words = ["--train", "train.txt", "--steps", "10", "--checkpoint-every", "3"]
    done = run_envkit(folder, {**environ, "ECHO_DIES_AT": "8"}, "run", "echo", *words)
    (run_dir,) = (folder / "runs").iterdir()
    assert done.returncode == 1
    assert f"To go on from step 6: envkit runs resume {run_dir.name}" in done.stderr
    return folder


@pytest.fixture
def killed(place: Path, tmp_path: Path) -> Path:
    """Return the folder of a copy of the run, as this test's own; its data stay where they are."""
    shutil.copytree(place / "runs", tmp_path / "runs")
    (run_dir,) = (tmp_path / "runs").iterdir()
    return run_dir


def test_resume_of_a_killed_run_goes_on_and_ends_like_any_run(envkit: Any, killed: Path) -> None:
    shown = envkit("runs", "show", killed.name)
    done = envkit("runs", "resume", killed.name[-4:])
    again = envkit("runs", "resume", str(killed))
    as_json = envkit("runs", "resume", killed.name, "--json")

    assert "steps             8 of 10" in shown.stdout
    assert f"envkit runs resume {killed.name}" in shown.stdout
    assert done.returncode == 0, done.stderr
    lines = done.stderr.splitlines()
    assert "Resuming at step 6 of 10" in lines
    assert "precision: integer (nothing is lost in counting)" in lines
    assert "dev/echo_score  1.0000   95 % between 0.5000 and 1.0000" in done.stdout
    assert (again.returncode, again.stdout) == (0, done.stdout)
    assert "is finished already" in again.stderr
    body = json.loads(as_json.stdout)
    assert (body["command"], body["data"]["result"]["status"]) == ("runs resume", "finished")


def test_resume_worker_has_the_mirror_of_the_model_hub_as_the_run_had_it(
    envkit: Any, killed: Path, tmp_path: Path
) -> None:
    (tmp_path / "envkit.toml").write_text('[mirrors]\nmodel-hub = "https://hub.example"\n')
    begun = envkit("run", "echo", "--run-dir", "begun", ECHO_SHOWS="HF_ENDPOINT")
    resumed = envkit("runs", "resume", killed.name, ECHO_SHOWS="HF_ENDPOINT")

    assert "HF_ENDPOINT is https://hub.example" in begun.stderr.splitlines()
    assert "HF_ENDPOINT is https://hub.example" in resumed.stderr.splitlines()


def test_resume_with_other_data_is_refused_until_it_is_forced(envkit: Any, killed: Path, place: Path) -> None:
    data = place / "train.txt"
    before = (killed / "result.json").read_bytes()
    data.write_text("two\n")
    try:
        refused = envkit("runs", "resume", killed.name)
        after = (killed / "result.json").read_bytes()
        forced = envkit("runs", "resume", killed.name, "--force", "--json", ECHO_THREADS="2")
    finally:
        data.write_text("one\n")

    assert refused.returncode == 2
    lines = refused.stderr.splitlines()
    assert lines[-3:-1] == [
        "error: the run would not go on as it began:",
        f"  the data file {data} has changed",
    ]
    assert "--force" in lines[-1]
    assert after == before
    assert forced.returncode == 0, forced.stderr
    assert json.loads(forced.stdout)["ok"]
    assert "train.txt has changed" in forced.stderr
    assert "1 thread computed and now 2 would" in forced.stderr


def test_resume_of_a_run_without_a_checkpoint_says_that_it_starts_over(envkit: Any, tmp_path: Path) -> None:
    failed = envkit("run", "echo", "--fault", "memory", "--run-dir", "own place")

    done = envkit("runs", "resume", "own place")

    assert "envkit runs resume" not in failed.stderr  # it would end the same way
    assert "No checkpoint: starting over" in done.stderr.splitlines()
    assert done.returncode == failed.returncode == 1


def test_resume_of_a_run_that_goes_on_names_its_process(
    envkit: Any, environ: dict[str, str], tmp_path: Path
) -> None:
    words = [
        "run",
        "echo",
        "--steps",
        "2000",
        "--pause",
        "0.02",
        "--checkpoint-every",
        "999",
        "--run-dir",
        "a b",
    ]
    events = tmp_path / "a b" / "events.jsonl"
    with subprocess.Popen(
        [*ENVKIT, *words], cwd=tmp_path, env=environ, stderr=subprocess.PIPE, text=True
    ) as host:
        wait_until(lambda: events.exists() and '"event":"step"' in events.read_text())

        done = envkit("runs", "resume", "a b")

        host.send_signal(signal.SIGINT)
        _, said = host.communicate(timeout=30)
    worker = json.loads(events.read_text().splitlines()[0])["pid"]
    assert done.returncode == 2
    assert f"another worker (process {worker}) is at work" in done.stderr
    assert host.returncode == 130
    assert said.splitlines()[-1].startswith("hint: To go on from step ")
    assert said.splitlines()[-1].endswith(": envkit runs resume 'a b'")


@pytest.mark.slow
def test_resume_in_another_interpreter_records_the_one_that_computes(envkit: Any, killed: Path) -> None:
    file = killed / "request.json"
    request = json.loads(file.read_bytes())
    request["environment"]["python"] = "/gone/bin/python"
    request["options"]["steps"] = 11
    file.write_text(json.dumps(request))
    before = json.loads(file.read_bytes())

    refused = envkit("runs", "resume", killed.name)
    kept = json.loads(file.read_bytes())
    forced = envkit("runs", "resume", killed.name, "--force")

    assert "--steps was 10 and is 11" in refused.stderr
    assert kept["environment"] == before["environment"]
    assert forced.returncode == 0, forced.stderr
    assert json.loads(file.read_bytes())["environment"]["python"] == sys.executable


def test_resume_of_a_run_that_just_began_is_told_to_wait(envkit: Any, killed: Path) -> None:
    for name in ("events.jsonl", "result.json", "lock"):
        (killed / name).unlink()
    (killed / "request.json").touch()

    done = envkit("runs", "resume", killed.name)

    assert done.returncode == 2
    assert "is about to begin" in done.stderr
