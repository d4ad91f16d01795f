"""Watch what this process opens: files for writing, and connections."""

from __future__ import annotations

import contextlib
import os
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# Which argument of an event is the path that is made, changed or taken away.
_CHANGES = {
    "os.mkdir": 0,
    "os.rename": 1,
    "os.link": 1,
    "os.symlink": 1,
    "os.remove": 0,
    "os.rmdir": 0,
    "os.truncate": 0,
    "os.chmod": 0,
    "sqlite3.connect": 0,
}
_ASKS = {"socket.connect": 1, "socket.sendto": 1, "socket.getaddrinfo": 0}
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_HARMLESS = ("/dev/", "/proc/")

_watching: list[Watched] = []  # an audit hook cannot be taken away again: one stays, and looks here
_is_hooked = False


class Watched:
    """What happened while it was watched: paths that were written or changed, addresses, and programs."""

    def __init__(self) -> None:
        self.written: list[str] = []
        self.connected: list[str] = []
        self.started: list[str] = []

    def outside(self, folder: Path) -> list[str]:
        """Return what was written elsewhere than below ``folder``, compiled Python left out."""
        inside = f"{folder.resolve()}{os.sep}"
        return [
            path
            for path in self.written
            if not path.startswith((inside, *_HARMLESS)) and path != inside[:-1] and "__pycache__" not in path
        ]


@contextlib.contextmanager
def watch() -> Iterator[Watched]:
    """Watch this process, its threads included, until the end of the block.

    Every connection to another machine is refused. What a library writes without Python is not seen, nor
    what another program does, so it is noted that one was started.
    """
    global _is_hooked
    if not _is_hooked:
        sys.addaudithook(_hear)
        _is_hooked = True
    watched = Watched()
    _watching.append(watched)
    try:
        yield watched
    finally:
        _watching.remove(watched)


def _hear(event: str, arguments: tuple[Any, ...]) -> None:
    if not _watching:
        return
    if event == "open":
        path, mode, flags = arguments
        if isinstance(path, str | bytes | os.PathLike) and _is_written(mode, flags):
            _note(path)
    elif event in _CHANGES:
        path = arguments[_CHANGES[event]]
        if isinstance(path, str | bytes | os.PathLike):
            _note(path)
    elif event in _ASKS:
        _refuse(arguments[_ASKS[event]])
    elif event == "subprocess.Popen":
        for watched in _watching:
            watched.started.append(os.fsdecode(arguments[0]))


def _refuse(address: Any) -> None:
    host = address[0] if isinstance(address, tuple) else address
    if host is None or (not isinstance(address, tuple) and os.fsdecode(host).startswith("/")):
        return  # this machine itself
    for watched in _watching:
        watched.connected.append(os.fsdecode(host))
    raise ConnectionRefusedError(f"a check lets nobody connect to {os.fsdecode(host)}")


def _is_written(mode: Any, flags: Any) -> bool:
    if isinstance(mode, str):
        return any(letter in mode for letter in "wax+")
    return isinstance(flags, int) and bool(flags & _WRITES)


def _note(path: Any) -> None:
    text = os.path.realpath(os.fsdecode(path))
    for watched in _watching:
        watched.written.append(text)
