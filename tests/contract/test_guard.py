"""The watch over what a task opens sees files and connections, and only while it watches."""

from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING

import pytest

from envkit.testing.guard import watch

if TYPE_CHECKING:
    from pathlib import Path


def test_watch_sees_what_is_written_outside_of_a_folder(tmp_path: Path) -> None:
    inside, outside = tmp_path / "run", tmp_path / "elsewhere"
    inside.mkdir()
    with watch() as watched:
        (inside / "model.bin").write_bytes(b"weights")
        (inside / "sub").mkdir()
        assert watched.outside(inside) == []
        outside.mkdir()
        descriptor = os.open(outside / "cache", os.O_CREAT | os.O_WRONLY)
        os.close(descriptor)
        (outside / "cache").rename(outside / "moved")
        (inside / "model.bin").read_bytes()
        (outside / "moved").read_bytes()
    assert watched.outside(inside) == [str(outside), str(outside / "cache"), str(outside / "moved")]


def test_watch_refuses_connections_and_names_the_address(tmp_path: Path) -> None:
    with watch() as watched, pytest.raises(ConnectionRefusedError, match="192.0.2.1"):
        socket.create_connection(("192.0.2.1", 80), timeout=1)
    assert watched.connected == ["192.0.2.1"]


def test_watch_hears_nothing_after_its_end(tmp_path: Path) -> None:
    with watch() as watched:
        pass
    (tmp_path / "later").write_text("text")
    assert watched.written == []
