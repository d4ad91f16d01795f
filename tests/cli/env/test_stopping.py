"""A command that is told to end, and what it leaves behind: nothing."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from environments.stored import lies_in

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.slow
@pytest.mark.parametrize(
    "number", [signal.SIGTERM, pytest.param(signal.SIGHUP, marks=pytest.mark.slow), signal.SIGINT]
)
def test_create_that_is_told_to_end_leaves_nothing(tmp_path: Path, number: signal.Signals) -> None:
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    with socket.create_server(("127.0.0.1", 0)) as index:  # takes the question and never answers
        address = f"http://127.0.0.1:{index.getsockname()[1]}/simple"
        process = subprocess.Popen(
            [sys.executable, "-m", "envkit", "env", "create", "e", "--with", "tiny"],
            env={
                "PATH": os.environ["PATH"],
                "HOME": str(tmp_path),
                "TMPDIR": str(temporary),
                "ENVKIT_HOME": str(tmp_path / "home"),
                "UV_CACHE_DIR": str(tmp_path / "cache"),
                "PIP_CONFIG_FILE": os.devnull,
                "PIP_INDEX_URL": address,
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            index.settimeout(60)
            question, _ = index.accept()
            with question:
                assert list(temporary.glob("envkit-*"))
                process.send_signal(number)
                _, said = process.communicate(timeout=30)
        finally:
            process.kill()
            process.wait()
    assert process.returncode == 130, said
    assert said.endswith("error: stopped\n")
    assert not list(temporary.iterdir())
    assert not (tmp_path / "home/envs").exists() or lies_in(tmp_path / "home") == set()
