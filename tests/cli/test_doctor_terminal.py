"""The doctor's screen on a terminal of 80 columns."""

from __future__ import annotations

import os
import pty
import re
import struct
import subprocess
import sys
import termios
from fcntl import ioctl
from typing import TYPE_CHECKING

import pytest
from doctor.small_plugins import check, checks_module, install

if TYPE_CHECKING:
    from pathlib import Path

LONG = (
    "The licence server answers slowly, which makes every start of a run wait; docker is not to blame for it"
)


@pytest.mark.slow
@pytest.mark.parametrize("no_color", ["", "1"])
def test_doctor_in_a_terminal_wraps_shows_what_it_waits_for_and_obeys_no_color(
    tmp_path: Path, no_color: str
) -> None:
    run = (
        f"lambda context: [Finding(severity='warn', summary={LONG!r}, fix='Ask: docker run --rm {'x' * 90}')]"
    )
    site = install(tmp_path, "envkit-acme", checks_module(check("acme.x", run)))
    environ = {**os.environ, "PYTHONPATH": str(site), "TERM": "xterm", "NO_COLOR": no_color}

    code, said = in_terminal(["doctor", "--only", "acme"], environ)

    assert code == 0
    assert "looking at acme" in said and said.count("\x1b[K") >= 4
    shown = re.sub(r"[^\n]*\x1b\[K", "", said)
    assert ("\x1b[33mwarn" in shown) is (not no_color)
    lines = [re.sub(r"\x1b\[[0-9;]*m", "", line) for line in shown.splitlines()]
    assert all(len(line) <= 80 for line in lines if "x" * 80 not in line)
    assert "warn     acme.x: The licence server answers slowly, which makes every start of a" in lines
    assert any(line.endswith("docker run --rm " + "x" * 90) for line in lines)  # a command stays in one piece


def in_terminal(words: list[str], environ: dict[str, str]) -> tuple[int, str]:
    """Run envkit where it has a terminal, and return its exit code and all that it writes there."""
    ours, its = pty.openpty()
    ioctl(its, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    with subprocess.Popen(
        [sys.executable, "-m", "envkit", *words], stdin=its, stdout=its, stderr=its, env=environ
    ) as process:
        os.close(its)
        said = b""
        while True:
            try:
                chunk = os.read(ours, 1 << 16)
            except OSError:  # its last writer has gone
                break
            if not chunk:
                break
            said += chunk
        os.close(ours)
    return process.returncode, said.decode().replace("\r\n", "\n")
