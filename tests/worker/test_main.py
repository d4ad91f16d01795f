"""The worker as a process."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

from echo import echo_request

from envkit.api.events import Failed
from envkit.api.records import RunResult
from envkit.runs.folder import create_run
from envkit.runs.follow import EventTail

if TYPE_CHECKING:
    from pathlib import Path

# What a worker may import before the plugin comes: of envkit its own half, of the index two packages.
MAY_IMPORT = {"envkit", "msgspec", "pluggy", "typing_extensions"}  # the last by msgspec, where it is


def start(run_dir: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "envkit.worker", *words, str(run_dir)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def test_worker_imports_nothing_that_an_environment_may_lack() -> None:
    code = (
        "import sys, json; before = set(sys.modules); import envkit.worker.__main__\n"
        "new = set(sys.modules) - before\n"
        "print(json.dumps(sorted({name.split('.')[0] for name in new} - sys.stdlib_module_names)))\n"
        "print(json.dumps(sorted({'.'.join(n.split('.')[:2]) for n in new if n.startswith('envkit.')})))"
    )
    done = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, check=True)
    packages, ours = map(json.loads, done.stdout.splitlines())

    assert set(packages) - {name for name in packages if name.startswith("_")} <= MAY_IMPORT
    assert set(ours) <= {
        "envkit.api",
        "envkit.checkpoints",
        "envkit.option_values",
        "envkit.registry",
        "envkit.templates",
        "envkit.worker",
    }


def test_worker_in_no_run_folder_says_so(tmp_path: Path) -> None:
    done = start(tmp_path)

    assert done.returncode == 2
    assert done.stderr == f"error: {tmp_path} is no run folder: it has no request.json\n"
    assert list(tmp_path.iterdir()) == []


def test_worker_started_by_hand_ends_with_the_runs_exit_code(tmp_path: Path) -> None:
    folder = create_run(echo_request(), run_dir=tmp_path / "run")

    done = start(folder.path)  # the plugin is not installed here

    assert done.returncode == 6
    result = folder.read_result()
    assert result is not None
    assert result.status == "failed"
    assert isinstance(EventTail(folder.events_file).read()[-1], Failed)


def test_worker_in_the_folder_of_a_finished_run_leaves_it_alone(tmp_path: Path) -> None:
    folder = create_run(echo_request(), run_dir=tmp_path / "run")
    folder.write_result(RunResult(status="finished", task="echo"))

    done = start(folder.path)

    assert done.returncode == 2
    assert "is finished" in done.stderr
    assert not folder.events_file.exists()


def test_worker_with_a_log_prints_to_its_end_and_nowhere_else(tmp_path: Path) -> None:
    log = tmp_path / "worker.log"
    log.write_text("before\n")

    done = start(tmp_path / "nowhere", "--log", str(log))

    assert done.returncode == 2
    assert (done.stdout, done.stderr) == ("", "")
    assert log.read_text().startswith("before\nerror: ")


def test_worker_with_a_log_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    done = start(tmp_path, "--log", str(tmp_path / "no" / "worker.log"))

    assert done.returncode == 2
    assert "worker.log cannot be written: No such file" in done.stderr
