"""Running uv's binary: its lines, its limits and its end. The binary is a script here: the outer edge."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from envkit.api import EnvError
from envkit.environments.flock import lock_exclusively, try_lock
from envkit.environments.uv import find_uv, run_uv
from envkit.environments.uv_failures import Place

if TYPE_CHECKING:
    from collections.abc import Callable


def script(tmp_path: Path, text: str) -> Path:
    file = tmp_path / "uv"
    file.write_text(f"#!/bin/sh\n{text}\n")
    file.chmod(0o755)
    return file


def wait_until(is_true: Callable[[], bool], *, seconds: float = 5.0) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if is_true():
            return True
        time.sleep(0.02)
    return False


def is_gone(pid: int) -> bool:
    """Tell whether a process has ended; an orphan that nobody reaps has, too."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def run(tmp_path: Path, text: str, **kwargs: object) -> list[str]:
    arguments = {"silence": 5.0, "environ": {"PATH": os.environ["PATH"]}, **kwargs}
    return run_uv(
        ["x"],
        place=Place(home=tmp_path),
        binary=script(tmp_path, text),
        **arguments,  # type: ignore[arg-type]
    )


def test_find_uv_is_that_of_the_package() -> None:
    assert os.access(find_uv(), os.X_OK)


def test_lines_come_as_they_are_written_and_masked(tmp_path: Path) -> None:
    heard: list[str] = []
    lines = run(tmp_path, "echo one; echo http://u:secret@h/ >&2; printf 'half \\377'", on_line=heard.append)
    assert lines == heard == ["one", "http://***@h/", "half \N{REPLACEMENT CHARACTER}"]


@pytest.mark.slow
def test_silence_ends_the_process(tmp_path: Path) -> None:
    waited: list[float] = []
    with pytest.raises(EnvError, match="done nothing for 1 second") as caught:
        run(
            tmp_path,
            f"echo $$ > {tmp_path}/pid; exec sleep 60",
            silence=0.8,
            on_wait=lambda seconds, written: waited.append(seconds),
        )
    assert "PIP_DEFAULT_TIMEOUT" in str(caught.value.hint)
    assert waited
    assert is_gone(int((tmp_path / "pid").read_text()))


def test_status_that_is_not_zero_is_explained(tmp_path: Path) -> None:
    with pytest.raises(EnvError, match="(?s)exit 7.*something odd"):
        run(tmp_path, "echo something odd; exit 7")
    with pytest.raises(EnvError, match="killed by SIGTERM"):
        run(tmp_path, "kill $$")


def test_exception_of_a_listener_ends_the_process(tmp_path: Path) -> None:
    def interrupt(line: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(tmp_path, f"echo $$ > {tmp_path}/pid; echo x; exec sleep 60", on_line=interrupt)
    assert is_gone(int((tmp_path / "pid").read_text()))


def test_inherited_lock_lives_as_long_as_the_process(tmp_path: Path) -> None:
    file = tmp_path / "lock"
    lock = lock_exclusively(file)
    held: list[bool] = []

    def let_go(line: str) -> None:
        lock.release()
        held.append(try_lock(file, shared=False) is None)

    run(tmp_path, "echo x; sleep 0.3", on_line=let_go, inherited=[lock.fileno()])
    assert held == [True]
    free = try_lock(file, shared=False)
    assert free is not None
    free.release()


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel ends a child with its parent on Linux only")
def test_host_that_is_killed_takes_uv_with_it(tmp_path: Path) -> None:
    binary = script(tmp_path, f"echo $$ > {tmp_path}/pid; exec sleep 60")
    code = f"""
from pathlib import Path
from envkit.environments.uv import run_uv
from envkit.environments.uv_failures import Place
folder = Path({str(tmp_path)!r})
run_uv([], environ={{}}, place=Place(home=folder), silence=60, binary=Path({str(binary)!r}))
"""
    host = subprocess.Popen([sys.executable, "-c", code])
    pid_file = tmp_path / "pid"
    assert wait_until(lambda: pid_file.exists() and pid_file.read_text().strip() != "")
    host.send_signal(signal.SIGKILL)
    host.wait()
    assert wait_until(lambda: is_gone(int(pid_file.read_text())))
