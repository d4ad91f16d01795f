from __future__ import annotations

import os
from pathlib import Path

from envkit.machine.files import Files


def test_files_missing_are_an_answer_and_not_noted(make_root):
    files = Files(make_root({"/proc/x": "1"}))
    assert files.text("/proc/missing") is None
    assert files.text("/proc/x/below") is None
    assert files.names("/nowhere") == []
    assert files.unread == ()


def test_files_that_are_there_but_unreadable_are_noted(make_root):
    files = Files(make_root({"/proc/x": "1"}))
    assert files.text("/proc") is None
    assert [each.what for each in files.unread] == ["/proc"]


def test_files_read_no_more_than_asked(make_root):
    assert Files(make_root({"/proc/x": "abcdef"})).text("/proc/x", limit=3) == "abc"


def test_files_longer_than_the_kernel_hands_out_at_once_are_read_whole():
    # The kernel hands out its own files by the page.
    mounts = Files(Path("/")).text("/proc/self/mountinfo")
    assert mounts is None or mounts.endswith("\n")


def test_files_that_are_pipes_are_noted_and_not_waited_for(make_root):
    root = make_root({"/proc/x": "1"})
    os.mkfifo(root / "proc" / "pipe")
    files = Files(root, part="memory")
    assert files.text("/proc/pipe") is None
    assert [(each.what, each.why, each.part) for each in files.unread] == [
        ("/proc/pipe", "a pipe is no file", "memory")
    ]
