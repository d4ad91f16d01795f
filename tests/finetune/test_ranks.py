"""Several processes that train together come to what one would."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

TESTS_DIR = Path(__file__).parents[1]

pytestmark = pytest.mark.torch


def train_with(folder: Path, count: int) -> None:
    """Train with so many processes; each leaves its weights."""
    folder.mkdir()
    environ = {**os.environ, "PYTHONPATH": str(TESTS_DIR), "OMP_NUM_THREADS": "1"}
    processes = [
        subprocess.Popen(
            [sys.executable, str(TESTS_DIR / "rank_process.py"), str(folder), str(rank), str(count)],
            env=environ,
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in range(count)
    ]
    for process in processes:
        _, errors = process.communicate(timeout=300)
        assert process.returncode == 0, errors


def test_two_ranks_end_with_the_weights_of_one(tmp_path: Path) -> None:
    import torch
    from safetensors.torch import load_file

    train_with(tmp_path / "one", 1)
    train_with(tmp_path / "two", 2)
    alone = load_file(tmp_path / "one" / "weights-0.safetensors")
    for rank in (0, 1):
        together = load_file(tmp_path / "two" / f"weights-{rank}.safetensors")
        for name, weight in alone.items():
            distance = torch.linalg.vector_norm(together[name] - weight)
            # Some biases have no gradient but rounding: softmax does not see them.
            assert distance <= 1e-6 * torch.linalg.vector_norm(weight) + 1e-12, name
    # The first alone writes: two would write over each other.
    assert (tmp_path / "two" / "run-0" / "checkpoints").exists()
    assert not (tmp_path / "two" / "run-1" / "checkpoints").exists()
