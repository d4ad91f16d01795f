from __future__ import annotations

import os
import sys
import threading
from pathlib import Path

import pytest

from envkit.machine.files import Files
from envkit.machine.interpreters import find_interpreters, find_origin, read_python


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


@pytest.mark.parametrize(
    ("path", "origin"),
    [
        ("/usr/bin/python3.12", "system"),
        ("/bin/python3", "system"),
        ("/Library/Developer/CommandLineTools/usr/bin/python3", "system"),
        ("/usr/local/bin/python3.12", None),  # made by hand, or by an image of Python
        ("/home/ann/.pyenv/versions/3.12.1/bin/python3.12", "pyenv"),
        ("/home/ann/.pyenv/shims/python3.12", "pyenv"),
        ("/home/ann/.local/share/uv/python/cpython-3.12.1-linux-x86_64-gnu/bin/python3.12", "uv"),
        ("/pythons/cpython-3.12.1-macos-aarch64-none/bin/python3.12", "uv"),
        ("/home/ann/.asdf/installs/python/3.12.1/bin/python3", "asdf"),
        ("/opt/homebrew/bin/python3.12", "homebrew"),
        ("/usr/local/Cellar/python@3.12/3.12.1/bin/python3.12", "homebrew"),
        ("/home/linuxbrew/.linuxbrew/bin/python3.12", "homebrew"),
        ("/Library/Frameworks/Python.framework/Versions/3.12/bin/python3.12", "python.org"),
        ("/nix/store/abc-python3-3.12.1/bin/python3.12", "nix"),
        ("/data/tools/bin/python3.12", None),
    ],
)
def test_origin_of_a_python_is_told_by_its_place(path, origin):
    assert find_origin(Path("/absent", path), environ={}) == origin


def test_origin_of_a_conda_python_is_told_by_its_records(tmp_path):
    (tmp_path / "conda-meta").mkdir()
    assert find_origin(interpreter(tmp_path / "bin", "python3.12"), environ={}) == "conda"


def test_origin_follows_folders_that_were_moved(tmp_path):
    python = interpreter(tmp_path / "python3", "python3.12")
    assert find_origin(python, environ={"UV_PYTHON_INSTALL_DIR": str(tmp_path)}) == "uv"
    assert find_origin(python, environ={"PYENV_ROOT": str(tmp_path)}) is None


def test_python_that_runs_in_a_venv_is_not_managed_by_others(tmp_path):
    (tmp_path / "EXTERNALLY-MANAGED").write_text("[externally-managed]\n")
    venv = read_python(prefix="/venv", base_prefix="/usr", library=tmp_path)
    system = read_python(prefix="/usr", base_prefix="/usr", library=tmp_path)
    assert (venv.externally_managed, venv.prefix, venv.base_prefix) == (None, "/venv", "/usr")
    assert system.externally_managed == str(tmp_path / "EXTERNALLY-MANAGED")
    assert system.origin == "system"


def test_python_names_the_users_own_packages_where_it_reads_them(monkeypatch):
    monkeypatch.setattr(sys.modules["site"], "USER_SITE", "/home/ann/.local/lib")
    assert read_python(search_path=["/home/ann/.local/lib"]).user_site == "/home/ann/.local/lib"
    assert read_python(search_path=["/usr/lib"]).user_site is None


def test_interpreters_in_a_folder_that_does_not_answer_cost_the_others_nothing(tmp_path, monkeypatch):
    there, usual, is_over = interpreter(tmp_path / "a", "python3.13"), os.access, threading.Event()
    silent = str(tmp_path / "silent")
    monkeypatch.setattr(
        os, "access", lambda path, mode: is_over.wait() if path.startswith(silent) else usual(path, mode)
    )
    files = Files(tmp_path, part="interpreters")
    path = os.pathsep.join((silent, str(there.parent)))
    try:
        found = find_interpreters(environ={"PATH": path}, files=files, seconds=0.05)
    finally:
        is_over.set()
    assert [each.path for each in found] == [str(there)]
    assert [(each.what, each.why) for each in files.unread] == [(silent, "no answer in 0.05 s")]
