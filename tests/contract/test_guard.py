"""The watch over what a task opens sees files and connections, and only while it watches."""

from __future__ import annotations

import os
import socket
import sqlite3
import subprocess
import sys
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


def test_watch_sees_what_is_changed_or_taken_away_and_programs_that_are_started(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("text")
    with watch() as watched:
        file.chmod(0o600)
        os.truncate(file, 1)
        sqlite3.connect(tmp_path / "base").close()
        subprocess.run([sys.executable, "-c", ""], check=True)
        file.unlink()
    assert watched.outside(tmp_path / "run") == [str(file), str(file), str(tmp_path / "base"), str(file)]
    assert watched.started == [sys.executable]


def test_watch_refuses_to_ask_for_names_and_to_send_without_a_connection() -> None:
    with watch() as watched:
        with pytest.raises(ConnectionRefusedError, match="example.invalid"):
            socket.getaddrinfo("example.invalid", 80)
        with (
            socket.socket(type=socket.SOCK_DGRAM) as sender,
            pytest.raises(ConnectionRefusedError, match="192.0.2.1"),
        ):
            sender.sendto(b"text", ("192.0.2.1", 9))
    assert watched.connected == ["example.invalid", "192.0.2.1"]
