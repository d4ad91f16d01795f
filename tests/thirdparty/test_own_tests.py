"""Each package passes its own tests once it is installed: reading, scoring, learning, and what every plugin promises."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from stranger import ROOT
from uv import find_uv_bin

if TYPE_CHECKING:
    from pathlib import Path

HERE = ROOT / "tests" / "thirdparty"
TASKS = ("envkit-relation", "envkit-seq2seq")
OTHERS = ("envkit-house-check", "envkit-house-image", "envkit-pip-backend")

pytestmark = pytest.mark.slow


@pytest.fixture(scope="session")
def site(wheels: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder for PYTHONPATH that the wheels are installed in, beside nothing else."""
    folder = tmp_path_factory.mktemp("site") / "packages"
    uv = [find_uv_bin(), "pip", "install", "--quiet", "--no-config", "--offline", "--no-deps"]
    into = ["--python", sys.executable, "--target", str(folder)]
    subprocess.run([*uv, *into, *map(str, wheels.values())], check=True)
    return folder


def run_tests(name: str, site: Path, marks: str) -> str:
    """Run a package's tests in a process, with its own configuration of pytest, and return what they print."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-m", marks, "tests"],
        cwd=HERE / name,
        env={**os.environ, "PYTHONPATH": str(site), "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
    return done.stdout


@pytest.mark.parametrize("name", OTHERS)
def test_extension_passes_its_own_tests_once_installed(site: Path, name: str) -> None:
    assert "passed" in run_tests(name, site, "slow or not slow")


@pytest.mark.parametrize("name", TASKS)
def test_task_reads_and_scores_by_its_own_tests_without_torch(site: Path, name: str) -> None:
    assert "passed" in run_tests(name, site, "not torch")


@pytest.mark.long
@pytest.mark.torch
@pytest.mark.parametrize("name", TASKS)
def test_task_learns_and_keeps_all_promises_by_its_own_tests(site: Path, name: str) -> None:
    assert "passed" in run_tests(name, site, "torch")
