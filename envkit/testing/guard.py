"""Watch what this process opens and starts: files for writing, connections, other processes."""

from __future__ import annotations

import contextlib
import functools
import os
import sys
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, unquote

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

# Which arguments of an event are paths that are changed or taken away, each with the folder that it is relative
# to, if the event tells one. Where the first is not there, nothing is changed.
_CHANGES: dict[str, tuple[tuple[int, int | None], ...]] = {
    "os.chmod": ((0, 2),),
    "os.chown": ((0, 3),),
    "os.removexattr": ((0, None),),
    "os.setxattr": ((0, None),),
    "os.truncate": ((0, None),),
    "os.utime": ((0, 3),),
}
# Those that change the name itself and not what a link of this name leads to. os.replace is os.rename here.
_NAMES: dict[str, tuple[tuple[int, int | None], ...]] = {
    "os.rename": ((0, 2), (1, 3)),
    "os.remove": ((0, 1),),
    "os.rmdir": ((0, 1),),
}
_MAKES: dict[str, tuple[int, int | None]] = {"os.mkdir": (0, 2), "os.link": (1, 3), "os.symlink": (1, 2)}
_ASKS = {
    "socket.connect": 1,
    "socket.sendto": 1,
    "socket.sendmsg": 1,
    "socket.getaddrinfo": 0,
    "socket.gethostbyname": 0,
    "socket.gethostbyaddr": 0,
    "socket.getnameinfo": 0,
}
_STARTS = {"subprocess.Popen", "os.system", "os.exec", "os.spawn", "os.posix_spawn", "pty.spawn"}
_COPIES = {"os.fork", "os.forkpty"}
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_HARMLESS = ("/dev/", "/proc/")
_SHARED_MEMORY = "/dev/shm/"
_TRACKER = "multiprocessing.resource_tracker"  # Python's own, which only clears away

_watching: list[Watched] = []  # an audit hook cannot be taken away again: one stays, and looks here
_is_hooked = False


class Watched:
    """What happened while it was watched: paths that were written or changed, addresses, and processes."""

    def __init__(self) -> None:
        self.written: list[str] = []
        self.connected: list[str] = []
        self.started: list[str] = []

    def outside(self, folder: Path) -> list[str]:
        """Return what was written elsewhere than below ``folder``.

        Compiled Python is left out, and so are devices, and shared memory that is gone again.
        """
        inside = f"{folder.resolve()}{os.sep}"
        return [
            path
            for path in self.written
            if not path.startswith(inside)
            and path != inside[:-1]
            and "__pycache__" not in path
            and not _is_harmless(path)
        ]


@contextlib.contextmanager
def watch() -> Iterator[Watched]:
    """Watch this process, its threads included, until the end of the block.

    Every connection to another machine is refused. What a library writes without Python is not seen, nor
    what another process does, be it a program or a copy of this one, so it is noted that one was started.
    Python raises no event for named pipes, device files and shared memory: they are heard of where they are made
    by the name of a module (``os.mkfifo``), but not by a name of one's own (``from os import mkfifo``).
    """
    global _is_hooked
    if not _is_hooked:
        sys.addaudithook(_hear)
        _is_hooked = True
    watched = Watched()
    _watching.append(watched)
    try:
        with _told_of_spawns(), _told_of_nodes():
            yield watched
    finally:
        _watching.remove(watched)


def _hear(event: str, arguments: tuple[Any, ...]) -> None:
    if not _watching:
        return
    if event == "open":
        path, mode, flags = arguments
        if isinstance(path, str | bytes | os.PathLike) and _is_written(mode, flags):
            _note(os.path.realpath(os.fsdecode(path)))
    elif event in _CHANGES or event in _NAMES:
        texts = [_whole(arguments, *each) for each in _CHANGES.get(event) or _NAMES[event]]
        if os.path.lexists(texts[0]):
            for text in texts:
                _note(_named(text) if event in _NAMES else os.path.realpath(text))
    elif event in _MAKES:
        text = _whole(arguments, *_MAKES[event])
        if not os.path.lexists(text):
            _note(_named(text))
    elif event == "sqlite3.connect":
        if path := _database(arguments[0]):
            _note(os.path.realpath(path))
    elif event in _ASKS:
        _refuse(arguments[_ASKS[event]])
    elif event == "os.posix_spawn" and sys._getframe(1).f_globals.get("__name__") == "subprocess":
        return  # Popen has told of it, and starts it so since Python 3.13
    elif event in _STARTS:
        _note_start(arguments[0])
    elif event in _COPIES:
        _note_start(f"a copy of its own process ({event})")


def _whole(arguments: tuple[Any, ...], path: int, folder: int | None) -> str:
    """Return the path of an event, which may be a descriptor, or relative to one."""
    given = arguments[path]
    if isinstance(given, int):
        return os.path.realpath(f"/proc/self/fd/{given}")
    text = os.fsdecode(given)
    descriptor = arguments[folder] if folder is not None and folder < len(arguments) else None
    if isinstance(descriptor, int) and descriptor >= 0:
        return os.path.join(os.path.realpath(f"/proc/self/fd/{descriptor}"), text)  # noqa: PTH118
    return text


def _named(path: str) -> str:
    """Return where a name stands, whatever a link of this name leads to."""
    folder, name = os.path.split(path.rstrip(os.sep) or path)
    return os.path.join(os.path.realpath(folder), name)  # noqa: PTH118


def _database(given: Any) -> str | None:
    """Return the file of an sqlite database, None of one in memory or that is only read."""
    text = os.fsdecode(given)
    if text in ("", ":memory:"):
        return None
    if not text.startswith("file:"):
        return text
    path, _, query = text.removeprefix("file:").partition("?")
    return None if parse_qs(query).get("mode", [""])[0] in ("memory", "ro") else unquote(path)


@contextlib.contextmanager
def _told_of_spawns() -> Iterator[None]:
    """Hear of processes that multiprocessing spawns: it asks the system below all that raises an event."""
    import _posixsubprocess

    spawn: Callable[..., int] = _posixsubprocess.fork_exec

    def tell(cmd: Any, *others: Any) -> int:
        words = [os.fsdecode(word) for word in cmd]
        if not any(_TRACKER in word for word in words):
            _note_start(words[0])
        return spawn(cmd, *others)

    # subprocess has the function under a name of its own, and raises an event.
    _posixsubprocess.fork_exec = tell
    try:
        yield
    finally:
        _posixsubprocess.fork_exec = spawn


@contextlib.contextmanager
def _told_of_nodes() -> Iterator[None]:
    """Hear of named pipes, device files and shared memory that are made: none of them raises an event."""
    try:
        import _posixshmem as shared  # type: ignore[import-not-found]
    except ImportError:  # a system without it
        shared = None
    with contextlib.ExitStack() as stack:
        for module, name, place in (
            (os, "mkfifo", _place_of_node),
            (os, "mknod", _place_of_node),
            (shared, "shm_open", _place_of_memory),
        ):
            if (make := getattr(module, name, None)) is not None:
                setattr(module, name, _told(make, place))
                stack.callback(setattr, module, name, make)
        yield


def _told(make: Callable[..., Any], place: Callable[..., str | None]) -> Callable[..., Any]:
    @functools.wraps(make)
    def tell(*arguments: Any, **options: Any) -> Any:
        path = place(*arguments, **options)
        if path is not None and not os.path.lexists(path):
            _note(_named(path))
        return make(*arguments, **options)

    return tell


def _place_of_node(path: Any, *_: Any, dir_fd: int | None = None, **__: Any) -> str:
    return _whole((path, dir_fd), 0, 1)


def _place_of_memory(path: str, flags: int, *_: Any, **__: Any) -> str | None:
    # One that is there is opened for writing even where it is only read.
    return _SHARED_MEMORY + path.lstrip("/") if flags & os.O_CREAT else None


def _note_start(given: Any) -> None:
    text = os.fsdecode(given[0] if isinstance(given, list | tuple) else given)
    for watched in _watching:
        watched.started.append(text)


def _refuse(address: Any) -> None:
    host = address[0] if isinstance(address, tuple) else address
    if host is None:  # this machine itself, or a socket that is connected
        return
    name = os.fsdecode(host) if isinstance(host, str | bytes | os.PathLike) else str(host)
    if not isinstance(address, tuple) and name.startswith("/"):
        return  # this machine itself
    for watched in _watching:
        watched.connected.append(name)
    raise ConnectionRefusedError(f"a check lets nobody connect to {name}")


def _is_written(mode: Any, flags: Any) -> bool:
    if isinstance(mode, str):
        return any(letter in mode for letter in "wax+")
    return isinstance(flags, int) and bool(flags & _WRITES)


def _is_harmless(path: str) -> bool:
    if path.startswith(_SHARED_MEMORY):
        return not os.path.lexists(path)
    return path.startswith(_HARMLESS)


def _note(path: str) -> None:
    for watched in _watching:
        watched.written.append(path)
