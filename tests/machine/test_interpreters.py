from __future__ import annotations

import os
import sys

from envkit.machine.interpreters import find_interpreters


def interpreter(folder, name):
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text("#!/bin/sh\nexit 1\n")
    path.chmod(0o755)
    return path


def test_interpreters_on_path_are_found_by_name_newest_first(tmp_path):
    old, new = interpreter(tmp_path / "a", "python3.11"), interpreter(tmp_path / "b", "python3.13")
    interpreter(tmp_path / "a", "python3.10")
    interpreter(tmp_path / "a", "python3.13-config")
    path = os.pathsep.join((str(old.parent), "", str(tmp_path / "missing"), str(new.parent)))
    found = find_interpreters(environ={"PATH": path})
    assert [(each.path, each.version) for each in found] == [(str(new), "3.13"), (str(old), "3.11")]


def test_interpreters_behind_one_target_count_once(tmp_path):
    target = interpreter(tmp_path / "a", "python3.12")
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "python3.12").symlink_to(target)
    path = os.pathsep.join((str(tmp_path / "b"), str(tmp_path / "a")))
    assert [each.path for each in find_interpreters(environ={"PATH": path})] == [
        str(tmp_path / "b" / "python3.12")
    ]


def test_interpreters_leave_out_the_one_that_runs_and_what_cannot(tmp_path):
    (tmp_path / "python3.12").symlink_to(sys.executable)
    interpreter(tmp_path, "python3.14").chmod(0o644)
    assert find_interpreters(environ={"PATH": str(tmp_path)}) == ()
