"""Several processes that train together come to what one would."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

TESTS_DIR = Path(__file__).parents[1]

pytestmark = pytest.mark.torch


def start_ranks(folder: Path, count: int) -> list[subprocess.Popen[str]]:
    """Start so many processes that train together; each leaves its weights in the folder."""
    folder.mkdir()
    environ = {**os.environ, "PYTHONPATH": str(TESTS_DIR), "OMP_NUM_THREADS": "1"}
    return [
        subprocess.Popen(
            [sys.executable, str(TESTS_DIR / "rank_process.py"), str(folder), str(rank), str(count)],
            env=environ,
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in range(count)
    ]


def test_two_ranks_end_with_the_weights_of_one(tmp_path: Path) -> None:
    import torch
    from rank_process import main
    from safetensors.torch import load_file

    processes = start_ranks(tmp_path / "two", 2)
    try:
        # Alone, it trains in this process.
        (tmp_path / "one").mkdir()
        main(tmp_path / "one", 0, 1)
        for process in processes:
            _, errors = process.communicate(timeout=300)
            assert process.returncode == 0, errors
    finally:
        for process in processes:
            with process:  # closes its pipe and waits, so that a failure leaves nothing behind
                process.kill()
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
