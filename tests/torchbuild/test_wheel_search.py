from __future__ import annotations

import os
import threading
import time

import pytest

from envkit.api import EnvkitError
from envkit.torchbuild.wheel_search import search_wheels

WHEEL = "torch-2.13.0+cpu-cp311-cp311-manylinux_2_28_x86_64.whl"


def test_search_wheels_pip_file_that_never_answers_is_named_in_time(tmp_path):
    os.mkfifo(tmp_path / "pip.conf")
    start = time.monotonic()
    found = search_wheels(environ={"PIP_CONFIG_FILE": str(tmp_path / "pip.conf")}, seconds=0.05)
    assert time.monotonic() - start < 3
    assert found.wheels == ()
    (silent,) = found.silent
    assert str(tmp_path / "pip.conf") in silent and "no answer in 0.05 s" in silent


@pytest.mark.parametrize(
    "content", [b"index-url = https://x\n", b"[global]\nno-index = maybe\n", b"\xff\xfe[\0"]
)
def test_search_wheels_broken_pip_file_is_an_error_that_is_told(tmp_path, content):
    (tmp_path / "pip.conf").write_bytes(content)
    found = search_wheels(environ={"PIP_CONFIG_FILE": str(tmp_path / "pip.conf")})
    assert isinstance(found.error, EnvkitError)


def test_search_wheels_folder_that_never_answers_costs_the_others_nothing(tmp_path, monkeypatch):
    silent, good = tmp_path / "silent", tmp_path / "good"
    good.mkdir()
    (good / WHEEL).touch()
    usual, is_over = os.listdir, threading.Event()
    monkeypatch.setattr(
        os, "listdir", lambda path=".": is_over.wait() and [] if str(path) == str(silent) else usual(path)
    )
    environ = {"PIP_CONFIG_FILE": os.devnull, "PIP_FIND_LINKS": f"{silent} {good}"}
    try:
        found = search_wheels(environ=environ, seconds=0.05)
    finally:
        is_over.set()
    assert [wheel.filename for wheel in found.wheels] == [WHEEL]
    assert [each for each in found.silent if str(silent) in each] == list(found.silent) != []
