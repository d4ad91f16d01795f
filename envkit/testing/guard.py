"""Watch what this process opens: files for writing, and connections."""

from __future__ import annotations

import contextlib
import os
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_MAKES = ("os.mkdir", "os.rename", "os.link", "os.symlink")
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_HARMLESS = ("/dev/", "/proc/")

_watching: list[Watched] = []  # an audit hook cannot be taken away again: one stays, and looks here
_is_hooked = False


class Watched:
    """What happened while it was watched: paths that were written or made, and addresses."""

    def __init__(self) -> None:
        self.written: list[str] = []
        self.connected: list[str] = []

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

    Every connection to another machine is refused. What a library writes without Python is not seen.
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
    elif event in _MAKES:
        _note(arguments[1] if event in ("os.rename", "os.link", "os.symlink") else arguments[0])
    elif event == "socket.connect" and isinstance(arguments[1], tuple):
        for watched in _watching:
            watched.connected.append(str(arguments[1][0]))
        raise ConnectionRefusedError(f"a check lets nobody connect to {arguments[1][0]}")


def _is_written(mode: Any, flags: Any) -> bool:
    if isinstance(mode, str):
        return any(letter in mode for letter in "wax+")
    return isinstance(flags, int) and bool(flags & _WRITES)


def _note(path: Any) -> None:
    text = os.path.realpath(os.fsdecode(path))
    for watched in _watching:
        watched.written.append(text)
