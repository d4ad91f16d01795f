"""Trackers from the command line, with the task `echo`, and with a library that fails in the tracker's place."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from faulty_wandb import fake_library
from required import require_dists

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = pytest.mark.slow


@pytest.fixture
def envkit(tmp_path: Path, echo_environ: dict[str, str]) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run a command in an empty folder; ``libraries`` is a folder that is found before what is installed."""

    def run(*words: str, libraries: Path | None = None, **environ: str) -> subprocess.CompletedProcess[str]:
        paths = [str(libraries)] if libraries else []
        path = os.pathsep.join([*paths, echo_environ["PYTHONPATH"]])
        settings = {"ENVKIT_HOME": str(tmp_path / "home"), "NO_COLOR": "1", "PYTHONPATH": path}
        return subprocess.run(
            [sys.executable, "-m", "envkit", *words],
            cwd=tmp_path,
            env={**echo_environ, **settings, **environ},
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            check=False,
        )

    return run


def test_run_with_a_tracker_that_fails_warns_once_and_finishes(envkit: Any, tmp_path: Path) -> None:
    libraries = tmp_path / "libraries"
    fake_library(libraries, init="raise KeyError('entity')")

    flagged = envkit("run", "echo", "--track", "wandb", "--json", libraries=libraries)
    (tmp_path / "envkit.toml").write_text("track = ['wandb']\n")
    from_file = envkit("run", "echo", libraries=libraries)
    overridden = envkit("run", "echo", "--track", "none", libraries=libraries)

    assert json.loads(flagged.stdout)["data"]["result"]["status"] == "finished"
    for done in (flagged, from_file):
        assert done.returncode == 0, done.stderr
        warnings = [line for line in done.stderr.splitlines() if line.startswith("warning: ")]
        assert [warning.partition(". Later: ")[0] for warning in warnings] == [
            "warning: Weights & Biases: KeyError: 'entity'"
        ]
    assert "Weights" not in overridden.stderr


def test_track_of_a_run_that_cannot_be_tracked_says_why(envkit: Any, tmp_path: Path) -> None:
    libraries = tmp_path / "libraries"
    fake_library(libraries, init="raise KeyError('entity')")
    envkit("run", "echo")
    (run_dir,) = (tmp_path / "runs").iterdir()

    failed = envkit("runs", "track", run_dir.name, "--to", "wandb", libraries=libraries)
    unknown = envkit("runs", "track", "nothing", "--to", "wandb", libraries=libraries)

    assert failed.returncode == 1
    assert "error: Weights & Biases did not get the run" in failed.stderr
    assert "trackers.log" in failed.stderr
    assert "KeyError" in (run_dir / "trackers.log").read_text()
    assert unknown.returncode == 2
    assert "there is no run 'nothing'" in unknown.stderr


@pytest.mark.slow
def test_track_of_a_run_that_is_over_shows_it_as_one_that_was_tracked(envkit: Any, tmp_path: Path) -> None:
    require_dists("trackers", "tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    during = envkit("run", "echo", "--run-dir", "during", "--track", "tensorboard")
    envkit("run", "echo", "--run-dir", "after")
    after = envkit("runs", "track", "after", "--to", "tensorboard")
    shown = [EventAccumulator(str(tmp_path / name / "tensorboard")).Reload() for name in ("during", "after")]
    losses = [[(each.step, each.value) for each in reader.Scalars("train/loss")] for reader in shown]

    assert during.returncode == after.returncode == 0
    assert str(tmp_path / "after" / "tensorboard") in after.stdout
    assert losses[0] == losses[1]
    assert len(losses[0]) == 5
