"""Locks on files that the kernel lets go when their last holder ends, however it ends."""

from __future__ import annotations

import fcntl
import os
from typing import TYPE_CHECKING, Self

from envkit.api import EnvError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from types import TracebackType


class FileLock:
    """A held flock. A child process that inherits ``fileno()`` holds it too, as long as it lives."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def fileno(self) -> int:
        """Return the open file's descriptor."""
        return self._descriptor

    def release(self) -> None:
        """Let go; a second call does nothing."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


def lock_exclusively(file: Path, *, on_wait: Callable[[str], None] = lambda holder: None) -> FileLock:
    """Take the lock, waiting for whoever has it; ``on_wait`` hears once who that is.

    Raises: EnvError where the file cannot be made.
    """
    descriptor = _open(file)
    try:
        if not _take(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB):
            holder = os.pread(descriptor, 100, 0).decode("utf-8", "replace").strip()
            on_wait(holder or "another process")
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"process {os.getpid()}\n".encode(), 0)
    except BaseException:
        os.close(descriptor)
        raise
    return FileLock(descriptor)


def lock_shared(file: Path) -> FileLock:
    """Take the lock beside others that share it, waiting for one who does not. Raises: EnvError as above."""
    descriptor = _open(file)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH)
    except BaseException:
        os.close(descriptor)
        raise
    return FileLock(descriptor)


def try_lock(file: Path, *, shared: bool) -> FileLock | None:
    """Take the lock if that is possible at once, else return None. Raises: EnvError as above."""
    descriptor = _open(file)
    if _take(descriptor, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB):
        return FileLock(descriptor)
    os.close(descriptor)
    return None


def _open(file: Path) -> int:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        return os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise EnvError(
            f"cannot write {file}: {error.strerror}",
            hint=f"Mend the permissions of {file.parent}, or keep environments elsewhere: ENVKIT_HOME=DIR",
        ) from error


def _take(descriptor: int, how: int) -> bool:
    try:
        fcntl.flock(descriptor, how)
    except BlockingIOError:
        return False
    return True
