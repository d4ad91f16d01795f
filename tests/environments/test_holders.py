"""Who is in an environment is named, where the system tells."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from envkit.environments.flock import lock_shared
from envkit.environments.generations import Generations, in_use_file
from envkit.environments.holders import busy_error, find_holders

if TYPE_CHECKING:
    from pathlib import Path

IS_LINUX = sys.platform == "linux"


@pytest.fixture
def generations(tmp_path: Path) -> Generations:
    """Return an environment of one generation, with a lock that can be held."""
    found = Generations(tmp_path, "mine")
    found.prefix(1).mkdir(parents=True)
    in_use_file(found.prefix(1)).touch()
    return found


@pytest.mark.skipif(not IS_LINUX, reason="only Linux tells")
def test_error_names_the_process_that_inherited_the_lock(generations: Generations, tmp_path: Path) -> None:
    with lock_shared(in_use_file(generations.prefix(1))) as hold:
        child = subprocess.Popen(
            [sys.executable, "-c", "input()"], stdin=subprocess.PIPE, pass_fds=[hold.fileno()]
        )
        try:
            (holder,) = find_holders([in_use_file(generations.prefix(1))])
            error = busy_error(tmp_path, ["mine"])
        finally:
            child.communicate(b"\n")
    assert holder.process == child.pid
    assert "is in mine: python" in error.message
    assert f"(process {child.pid})" in error.message


def test_holders_where_the_system_does_not_tell_are_none(generations: Generations, tmp_path: Path) -> None:
    with lock_shared(in_use_file(generations.prefix(1))):
        error = busy_error(tmp_path, ["mine"], proc=tmp_path / "no-proc")
    assert error.message == "a run, shell, kernel or program is in mine"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["/usr/bin/bash", "-l"], "bash"),
        (["/e/bin/python3.12", "-P", "/home/me/train.py", "--epochs"], "python3.12 train.py"),
        (["/e/bin/python", "-c", "import os\nos.system('x')"], "python"),
        ([], "a program"),
    ],
)
def test_holder_is_named_by_its_program(tmp_path: Path, words: list[str], said: str) -> None:
    file, process = tmp_path / "file", tmp_path / "proc/4242"
    file.touch()
    (process / "fd").mkdir(parents=True)
    (process / "fd/3").symlink_to(file)
    (process / "cmdline").write_bytes("".join(f"{word}\0" for word in words).encode())
    (holder,) = find_holders([file], proc=tmp_path / "proc")
    assert str(holder) == f"{said} (process 4242)"
