"""How much an author writes for a new task with its loop: the bar that the scaffold is for."""

from __future__ import annotations

import subprocess
import sys

from stranger import ROOT


def test_relation_takes_at_most_150_lines_beyond_the_scaffold() -> None:
    count = [sys.executable, str(ROOT / "benchmarks" / "plugin_author.py"), "lines"]
    done = subprocess.run(count, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "bar: 150" in done.stdout
