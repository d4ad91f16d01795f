"""What a worker leaves: processes, and the system's count of those that it killed for lack of memory."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from envkit.runs.leftovers import leftovers_text, living_members, read_memory_kills, wait_for_members

if TYPE_CHECKING:
    from pathlib import Path


def write_process(folder: Path, pid: int, name: str, *, state: str = "S", group: int) -> None:
    place = folder / str(pid)
    place.mkdir()
    (place / "stat").write_text(f"{pid} ({name}) {state} 1 {group} {group} 0 -1\n")


def test_living_members_are_those_of_the_group_that_are_no_zombies(tmp_path: Path) -> None:
    write_process(tmp_path, 7, "python", state="Z", group=7)
    write_process(tmp_path, 8, "sleep) S 1 (odd", group=7)
    write_process(tmp_path, 9, "loader", state="R", group=7)
    write_process(tmp_path, 10, "shell", group=10)

    assert living_members(7, processes=tmp_path) == ("loader", "sleep) S 1 (odd")


def test_wait_for_members_gives_helpers_time_to_leave(tmp_path: Path) -> None:
    write_process(tmp_path, 8, "tracker", group=7)

    def leave(_: float) -> None:
        (tmp_path / "8" / "stat").unlink()

    assert wait_for_members(7, processes=tmp_path, sleep=leave) == ()


@pytest.mark.skipif(sys.platform != "linux", reason="/proc is Linux's")
def test_living_members_of_a_real_group_are_found() -> None:
    with subprocess.Popen(["sleep", "60"], start_new_session=True) as process:
        try:
            assert living_members(process.pid) == ("sleep",)
        finally:
            process.kill()
    assert living_members(process.pid) == ()
    assert os.getpid() != process.pid


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (("sleep",), "envkit-x 1.0 left a process (sleep) running"),
        (("a", "b", "c", "d"), "envkit-x 1.0 left 4 processes (a, b, c, …) running"),
    ],
)
def test_leftovers_text_names_the_plugin_and_what_it_left(names: tuple[str, ...], words: str) -> None:
    assert words in leftovers_text("envkit-x 1.0", names)


@pytest.mark.parametrize(("text", "count"), [("oom_kill 8\n", 8), ("nr_free 8\n", None), (None, None)])
def test_read_memory_kills_gives_linux_own_count(tmp_path: Path, text: str | None, count: int | None) -> None:
    file = tmp_path / "vmstat"
    if text is not None:
        file.write_text(f"nr_free_pages 12\n{text}")

    assert read_memory_kills(file) == count
