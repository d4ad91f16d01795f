"""`envkit report` and `envkit runs compare` on runs of the task `echo`, and the page that each run leaves."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import msgspec
import pytest
from rich.cells import cell_len

from envkit.machine import MachineFacts

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, echo_environ: dict[str, str]) -> Path:
    """Return a folder with three runs: two that finished and one that failed."""
    folder = tmp_path_factory.mktemp("work")
    runs = {"one": ["--steps", "3"], "two": ["--steps", "5", "--seed", "7"], "bad": ["--fault", "raise"]}
    for name, words in runs.items():
        done = command(folder, echo_environ, "run", "echo", *words, "--run-dir", f"runs/{name}")
        assert (name == "bad") == bool(done.returncode), done.stderr
        (folder / f"{name}.out").write_text(done.stdout)
    return folder


def command(folder: Path, environ: dict[str, str], *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "envkit", *words],
        cwd=folder,
        env={**environ, "ENVKIT_HOME": str(folder / "home"), "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        check=False,
    )


@pytest.fixture
def envkit(folder: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run a command beside the runs."""
    return lambda *words: command(folder, dict(os.environ), *words)


def test_run_leaves_its_report_and_the_record_of_the_machine_and_says_where(folder: Path) -> None:
    page = (folder / "runs" / "one" / "report.html").read_text()
    assert "echo_score" in page
    assert "runs/one/report.html" in (folder / "one.out").read_text()
    facts = msgspec.json.decode((folder / "runs" / "one" / "machine.json").read_bytes(), type=MachineFacts)
    assert facts.platform.machine in page


def test_run_that_fails_leaves_its_report_with_the_error(folder: Path) -> None:
    assert "KeyError" in (folder / "runs" / "bad" / "report.html").read_text()


def test_run_whose_host_was_killed_has_no_report_until_it_is_asked_for_which_runs_show_says(
    envkit: Callable[..., subprocess.CompletedProcess[str]], folder: Path, echo_environ: dict[str, str]
) -> None:
    run_dir = folder / "lone" / "left"
    host = subprocess.Popen(
        [sys.executable, "-m", "envkit", "run", "echo", "--steps", "10000", "--pause", "0.05"]
        + ["--run-dir", str(run_dir)],
        cwd=folder,
        env={**echo_environ, "ENVKIT_HOME": str(folder / "home"), "NO_COLOR": "1"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    wait_for(lambda: b'"step"' in read_bytes(run_dir / "events.jsonl"))
    host.kill()
    host.wait()
    wait_for((run_dir / "result.json").exists)  # the worker notices, and stops

    before = envkit("runs", "show", str(run_dir))
    made = envkit("report", str(run_dir))
    after = envkit("runs", "show", str(run_dir))

    told = "none was written; to make it: envkit report lone/left"
    assert told in before.stdout
    assert made.returncode == 0
    assert (run_dir / "report.html").exists()
    assert told not in after.stdout
    assert "lone/left/report.html" in after.stdout


def wait_for(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def read_bytes(file: Path) -> bytes:
    return file.read_bytes() if file.exists() else b""


def test_report_writes_the_page_where_it_is_told(
    envkit: Callable[..., subprocess.CompletedProcess[str]], folder: Path
) -> None:
    done = envkit("report", "one", "--output", "page.html")

    assert (done.returncode, done.stdout) == (0, "page.html\n")
    assert (folder / "page.html").read_text() == (folder / "runs" / "one" / "report.html").read_text()


def test_report_as_json_says_where_it_is(
    envkit: Callable[..., subprocess.CompletedProcess[str]], folder: Path
) -> None:
    body = json.loads(envkit("report", "runs/two", "--json").stdout)

    file = folder / "runs" / "two" / "report.html"
    assert (body["ok"], body["command"]) == (True, "report")
    assert (body["data"]["report"], body["data"]["size"]) == (str(file), file.stat().st_size)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["report", "nowhere"], "there is no run 'nowhere'"),
        (["report", "one", "--output", "no/page.html"], "there is no folder"),
        (["runs", "compare", "one"], "1 runs cannot be compared"),
        (["runs", "compare", "one", "nowhere"], "there is no run 'nowhere'"),
    ],
)
def test_command_that_cannot_work_is_a_usage_error(
    envkit: Callable[..., subprocess.CompletedProcess[str]], words: list[str], message: str
) -> None:
    done = envkit(*words)

    assert done.returncode == 2
    assert message in done.stderr


def test_compare_shows_what_differs_within_80_columns(
    envkit: Callable[..., subprocess.CompletedProcess[str]],
) -> None:
    done = envkit("runs", "compare", "one", "two", "bad")

    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert max(map(cell_len, lines)) <= 80
    assert ["seed", "42", "7", "42"] in [line.split() for line in lines]
    assert ["steps", "3", "5", "5"] in [line.split() for line in lines]
    assert any(line.startswith("dev/echo_score  A  1.0000  0.5000 and 1.0000") for line in lines)
    assert any(line.split() == ["B", "1.0000", "0.5000", "and", "1.0000", "same"] for line in lines)


def test_compare_as_json_has_all_of_it(envkit: Callable[..., subprocess.CompletedProcess[str]]) -> None:
    body = json.loads(envkit("runs", "compare", "one", "two", "--json").stdout)

    assert [run["status"] for run in body["data"]["runs"]] == ["finished", "finished"]
    assert {each["name"]: each["values"] for each in body["data"]["options"]} == {
        "seed": [42, 7],
        "steps": [3, 5],
    }


def test_run_whose_report_cannot_be_written_still_succeeds_with_a_warning(
    folder: Path, echo_environ: dict[str, str]
) -> None:
    broken = folder / "broken"
    broken.mkdir()
    (broken / "jinja2.py").write_text("raise RuntimeError('not today')\n")
    environ = {**echo_environ, "PYTHONPATH": f"{broken}{os.pathsep}{echo_environ['PYTHONPATH']}"}

    done = command(folder, environ, "run", "echo", "--run-dir", "runs/three")

    assert done.returncode == 0, done.stderr
    assert "warning: the report could not be written: RuntimeError: not today" in done.stderr
    assert "dev/echo_score  1.0000" in done.stdout
