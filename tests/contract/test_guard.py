"""The watch over what a task opens sees files and connections, and only while it watches."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import sqlite3
import stat
import subprocess
import sys
from multiprocessing import shared_memory, util
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from envkit.testing.guard import watch

if TYPE_CHECKING:
    from collections.abc import Callable


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
    cache = str(outside / "cache")
    assert watched.outside(inside) == [str(outside), cache, cache, str(outside / "moved")]


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


def _copy_itself(fork: Callable[[], int]) -> None:
    if not (child := fork()):
        os._exit(0)
    os.waitpid(child, 0)


def _become_nothing() -> None:
    with contextlib.suppress(OSError):
        os.execv("/no/such/program", ["program"])


# A way to start a process, and how it is named.
STARTS: dict[str, tuple[Callable[[], object], str]] = {
    "popen": (lambda: subprocess.run(["/bin/true"], check=True), "/bin/true"),
    "system": (lambda: os.system("true"), "true"),
    "exec": (_become_nothing, "/no/such/program"),
    "fork": (lambda: _copy_itself(os.fork), "a copy of its own process (os.fork)"),
    "forkpty": (lambda: _copy_itself(lambda: os.forkpty()[0]), "a copy of its own process (os.forkpty)"),
    "spawn": (lambda: os.spawnv(os.P_WAIT, "/bin/true", ["true"]), "a copy of its own process (os.fork)"),
    "posix-spawn": (
        lambda: os.waitpid(os.posix_spawn("/bin/true", ["true"], os.environ), 0),
        "/bin/true",
    ),
    "multiprocessing": (
        lambda: os.waitpid(util.spawnv_passfds(b"/bin/true", [b"/bin/true"], ()), 0),
        "/bin/true",
    ),
}


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
@pytest.mark.parametrize("way", STARTS)
def test_watch_hears_of_every_way_to_start_a_process(way: str) -> None:
    start, name = STARTS[way]
    with watch() as watched:
        start()
    start()
    assert watched.started == [name]


def _in_folder(folder: Path, remove: Callable[[int], object]) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    remove(descriptor)
    os.close(descriptor)


def _truncate_open(file: Path) -> None:
    with file.open("rb+") as stream:
        os.ftruncate(stream.fileno(), 0)


def _make_again(path: Path) -> None:
    with contextlib.suppress(FileExistsError):
        os.mkfifo(path)


# What is done in the run's folder and one beside it, and what of it is written in the latter.
CHANGES: dict[str, tuple[Callable[[Path, Path], object], list[str]]] = {
    "taken away": (lambda run, other: (other / "file").rename(run / "file"), ["file"]),
    "put there": (lambda run, other: (run / "file").rename(other / "new"), ["new"]),
    "replaced": (lambda run, other: (run / "file").replace(other / "file"), ["file"]),
    "linked": (lambda run, other: (other / "new").hardlink_to(run / "file"), ["new"]),
    "pointed at": (lambda run, other: (other / "new").symlink_to(run / "file"), ["new"]),
    "dated": (lambda run, other: os.utime(other / "file"), ["file"]),
    "owned": (lambda run, other: os.chown(other / "file", -1, -1), ["file"]),
    "emptied": (lambda run, other: _truncate_open(other / "file"), ["file", "file"]),
    "removed by folder": (
        lambda run, other: _in_folder(other, lambda there: os.unlink("file", dir_fd=there)),
        ["file"],
    ),
    "a pipe": (lambda run, other: os.mkfifo(other / "new"), ["new"]),
    "a pipe by folder": (
        lambda run, other: _in_folder(other, lambda there: os.mkfifo("new", dir_fd=there)),
        ["new"],
    ),
    "a node": (lambda run, other: os.mknod(other / "new", 0o600 | stat.S_IFREG), ["new"]),
    "a pipe of the run": (lambda run, other: os.mkfifo(run / "new"), []),
    "a pipe that is there": (lambda run, other: _make_again(other / "file"), []),
    "moved": (lambda run, other: shutil.move(run / "file", other / "new"), ["new"]),
    "written through a link": (lambda run, other: (run / "link").write_text("new"), ["file"]),
    "a tree of the run removed": (lambda run, other: shutil.rmtree(run / "tree"), []),
    "a link of the run removed": (lambda run, other: (run / "link").unlink(), []),
    "a folder that is there": (lambda run, other: other.mkdir(exist_ok=True), []),
    "a file that is not there": (lambda run, other: (other / "none").unlink(missing_ok=True), []),
    "a database in memory": (lambda run, other: sqlite3.connect(":memory:").close(), []),
    "a database that is read": (
        lambda run, other: sqlite3.connect(f"file:{other / 'file'}?mode=ro", uri=True).close(),
        [],
    ),
}


@pytest.mark.parametrize("change", CHANGES)
def test_watch_sees_both_ends_of_a_change_and_no_other(change: str, tmp_path: Path) -> None:
    run, other = tmp_path / "run", tmp_path / "other"
    for folder in (run / "tree", other):
        folder.mkdir(parents=True)
    for file in (run / "file", run / "tree" / "file", other / "file"):
        file.write_text("text")
    (run / "link").symlink_to(other / "file")
    do, written = CHANGES[change]
    with watch() as watched:
        do(run, other)
    assert watched.outside(run) == [str(other / name) for name in written]


@pytest.mark.skipif(not Path("/dev/shm").is_dir(), reason="there is no shared memory")
def test_watch_blames_shared_memory_only_where_it_stays(tmp_path: Path) -> None:
    with watch() as watched:
        memory = shared_memory.SharedMemory(create=True, size=8)
        name = str(Path("/dev/shm", memory.name.lstrip("/")))
        memory.close()
        Path(os.devnull).write_text("text")
        assert watched.outside(tmp_path) == [name, name]  # made, then given its size
        memory.unlink()
    assert watched.outside(tmp_path) == []
    assert watched.started == []


@pytest.mark.skipif(not Path("/dev/shm").is_dir(), reason="there is no shared memory")
def test_watch_hears_of_shared_memory_without_a_size_but_not_of_what_was_there(tmp_path: Path) -> None:
    shared = pytest.importorskip("_posixshmem")
    name = f"/envkit-test-{os.getpid()}"
    made = shared.shm_open
    try:
        with watch() as watched:
            os.close(shared.shm_open(name, os.O_CREAT | os.O_RDWR, mode=0o600))
            os.close(shared.shm_open(name, os.O_RDWR, mode=0o600))
            assert watched.outside(tmp_path) == [f"/dev/shm{name}"]
    finally:
        shared.shm_unlink(name)
    assert shared.shm_open is made
