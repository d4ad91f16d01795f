from __future__ import annotations

import os
import sys
import time

import pytest

from envkit.machine import run_process


def test_process_that_ends_gives_status_and_output():
    cmd = [sys.executable, "-S", "-c", "import sys; print('out'); print('err', file=sys.stderr); sys.exit(3)"]
    output = run_process(cmd, environ=os.environ, timeout=10)
    assert (output.status, output.out.strip(), output.err.strip()) == (3, "out", "err")


def test_process_over_its_limit_is_killed_at_once():
    start = time.monotonic()
    output = run_process(["sleep", "60"], environ=os.environ, timeout=0.2)
    assert output.status is None
    assert time.monotonic() - start < 2


def test_process_that_cannot_start_raises(tmp_path):
    with pytest.raises(FileNotFoundError):
        run_process([str(tmp_path / "missing")], environ={}, timeout=1)
