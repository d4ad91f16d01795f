"""Locks on files that the kernel lets go when their last holder ends, however it ends.

A lock's file may be removed by whoever holds it alone: one who waited for it meanwhile notices, and takes the
lock on the file that stands there then.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
from typing import TYPE_CHECKING, Self

from envkit.api import EnvError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from types import TracebackType

_READ_ONLY = frozenset({errno.EACCES, errno.EPERM, errno.EROFS})
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})


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

    Raises: EnvError where the file cannot be made or written, or the file system has no locks.
    """
    lock = _acquire(file, fcntl.LOCK_EX | fcntl.LOCK_NB, writes=True)
    if lock is None:
        on_wait(_holder(file) or "another process")
        lock = _wait_for(file, fcntl.LOCK_EX, writes=True)
    with contextlib.suppress(OSError):  # on a full disk those who wait do not hear for whom
        os.ftruncate(lock.fileno(), 0)
        os.pwrite(lock.fileno(), f"process {os.getpid()}\n".encode(), 0)
    return lock


def lock_shared(file: Path) -> FileLock:
    """Take the lock beside others that share it, waiting for one who does not.

    A file that is there need only be readable. Raises: EnvError as above.
    """
    return _wait_for(file, fcntl.LOCK_SH, writes=False)


def try_lock(file: Path, *, shared: bool) -> FileLock | None:
    """Take the lock if that is possible at once, else return None. Raises: EnvError as above."""
    return _acquire(file, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB, writes=False)


def cannot_write(file: Path, error: OSError) -> EnvError:
    """Return the error for a file or folder of the store that could not be written or removed."""
    mend = "Free some space there" if error.errno in _FULL else f"Mend the permissions of {file.parent}"
    return EnvError(
        f"cannot write {file}: {error.strerror}",
        hint=f"{mend}, or keep environments elsewhere: ENVKIT_HOME=DIR",
    )


def _wait_for(file: Path, how: int, *, writes: bool) -> FileLock:
    lock = _acquire(file, how, writes=writes)
    assert lock is not None  # only a lock that is not waited for can be refused
    return lock


def _acquire(file: Path, how: int, *, writes: bool) -> FileLock | None:
    while True:
        descriptor = _open(file, writes=writes)
        try:
            fcntl.flock(descriptor, how)
            is_ours = _stands_at(file, descriptor)
        except BlockingIOError:
            os.close(descriptor)
            return None
        except OSError as error:
            os.close(descriptor)
            raise EnvError(
                f"cannot lock {file}: {error.strerror}",
                hint="Keep environments on a disk of this machine: ENVKIT_HOME=DIR",
            ) from error
        except BaseException:
            os.close(descriptor)
            raise
        if is_ours:
            return FileLock(descriptor)
        os.close(descriptor)


def _stands_at(file: Path, descriptor: int) -> bool:
    try:
        there = file.stat()
    except FileNotFoundError:
        return False
    return os.path.samestat(there, os.fstat(descriptor))


def _open(file: Path, *, writes: bool) -> int:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        return os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        if error.errno in _READ_ONLY and not writes:
            # A home that others fill and keep: to run in it, reading is enough.
            with contextlib.suppress(OSError):
                return os.open(file, os.O_RDONLY | os.O_CLOEXEC)
        raise cannot_write(file, error) from error


def _holder(file: Path) -> str:
    with contextlib.suppress(OSError):
        return file.read_text(encoding="utf-8", errors="replace")[:100].strip()
    return ""
