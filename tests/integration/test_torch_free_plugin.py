"""A task plugin by somebody else, without torch: its wheel, pip, and then `envkit run` in a real environment."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from echo import SOURCE, build_wheel, living_processes, wait_until
from stranger import ROOT, Person, fresh_environ

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Person:
    """Return a person who has installed envkit and the plugin's wheel with pip."""
    folder = tmp_path_factory.mktemp("person")
    wheel = build_wheel(SOURCE, folder / "dist")
    environ = fresh_environ(folder / "home")
    Person(folder, environ).types(f"python3 -m venv venv && venv/bin/pip install --quiet {ROOT} {wheel}")
    return Person(folder, {**environ, "PATH": f"{folder / 'venv' / 'bin'}:{environ['PATH']}"})


@pytest.fixture
def person(installed: Person, tmp_path: Path) -> Person:
    return Person(tmp_path, installed.environ)


@pytest.fixture
def start(person: Person) -> Callable[..., subprocess.Popen[str]]:
    """Start a run in `run` and come back once it has made a step."""

    def run(*words: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            ["envkit", "run", "echo", "--run-dir", "run", *words],
            cwd=person.folder,
            env=person.environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        events = person.folder / "run" / "events.jsonl"
        wait_until(lambda: events.exists() and '"event":"step"' in events.read_text())
        return process

    return run


def result_of(person: Person) -> dict[str, Any]:
    result: dict[str, Any] = json.loads((person.folder / "run" / "result.json").read_bytes())
    return result


def worker_of(person: Person) -> int:
    first = (person.folder / "run" / "events.jsonl").read_text().splitlines()[0]
    return int(json.loads(first)["pid"])


def test_run_makes_an_environment_once_and_shows_progress_whatever_is_printed(person: Person) -> None:
    first = person.types("envkit run echo --steps 30 --pause 0.2 --noise --run-dir run")
    second = person.types("envkit run echo --run-dir again --json")

    assert result_of(person)["status"] == "finished"
    assert "made now" in first.stderr
    assert "step " in first.stderr
    assert "left" in first.stderr
    assert "raw bytes" not in first.stdout + first.stderr
    assert "dev/echo_score" in first.stdout
    assert b"raw bytes" in (person.folder / "run" / "worker.log").read_bytes()
    assert "made before" in second.stderr
    body = json.loads(second.stdout)
    assert body["data"]["result"]["metrics"]["dev/echo_score"] == 1.0


def test_interrupt_once_ends_as_cancelled_with_what_was_learned(
    person: Person, start: Callable[..., subprocess.Popen[str]]
) -> None:
    process = start("--steps", "1000", "--pause", "0.05")

    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)

    assert process.returncode == 130
    assert "Traceback" not in err
    assert result_of(person)["status"] == "cancelled"
    assert living_processes(worker_of(person)) == []


def test_worker_that_vanishes_is_a_crash_with_the_end_of_its_log(person: Person) -> None:
    done = person.types("envkit run echo --noise --fault os-exit --run-dir run", check=False)

    assert done.returncode == 1
    assert "worker.log" in done.stderr
    assert result_of(person)["status"] == "crashed"


def test_bad_data_is_the_users_and_ends_with_2(person: Person) -> None:
    done = person.types("envkit run echo --fault data --run-dir run", check=False)

    assert done.returncode == 2
    assert "echo.txt:3" in done.stderr
    assert "hint: " in done.stderr
    assert "Traceback" not in done.stderr


def test_host_killed_leaves_a_cancelled_run_and_no_orphan(
    person: Person, start: Callable[..., subprocess.Popen[str]]
) -> None:
    process = start("--steps", "1000", "--pause", "0.05", "--child")
    worker = worker_of(person)

    process.kill()
    process.communicate(timeout=60)
    wait_until(lambda: (person.folder / "run" / "result.json").exists())

    assert result_of(person)["status"] == "cancelled"
    wait_until(lambda: living_processes(worker) == [])
    listed = person.types("envkit runs list --runs-dir . --json")
    assert [run["status"] for run in json.loads(listed.stdout)["data"]] == ["cancelled"]


def test_envkit_works_in_a_shell_of_an_environment_as_outside(person: Person) -> None:
    person.types("envkit env create 'mine' --task echo && envkit env sync mine --with six --yes")
    lines = [
        "command -v envkit > which",
        "envkit run echo --run-dir run --env mine",
        "envkit run echo --run-dir own",
        'PYTHONHOME=/nowhere PYTHONPATH=/nowhere eval "$(envkit env activate mine --shell bash)"',
        "envkit env run mine -- pip install six",
        "exit $?",
    ]
    on_a_terminal = "import os, pty, sys; sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))"
    done = subprocess.run(
        [sys.executable, "-c", on_a_terminal, "envkit", "env", "shell", "mine"],
        input="".join(f"{line}\n" for line in lines),
        cwd=person.folder,
        env={**person.environ, "SHELL": "/bin/bash", "TERM": "dumb"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 2, done.stdout
    assert "Traceback" not in done.stdout
    assert "No pip is in here" in done.stdout
    assert "has no pip of its own" in done.stdout
    assert (person.folder / "which").read_text().endswith("/envs/mine/bin/envkit\n")
    assert result_of(person)["status"] == "finished"
    assert json.loads((person.folder / "own" / "result.json").read_bytes())["status"] == "finished"
