"""Remove the checkpoints of runs that need them no more."""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from envkit.api import EnvkitError, UsageError
from envkit.checkpoints.remove import list_removable, remove_all
from envkit.runs.folder import read_status

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from envkit.worker.folder import RunFolder

# Whoever looks whether the lock is held holds it, shared, for an instant.
_LOCK_TRIES = 20
_LOCK_PAUSE = 0.05  # seconds


@dataclass(frozen=True, kw_only=True)
class Cleaned:
    """What was removed of a run, or would be: how many checkpoints, whole or broken, and their size in bytes."""

    id: str
    folder: str
    checkpoints: int
    freed: int


def clean_run(folder: RunFolder, *, is_dry_run: bool = False) -> Cleaned:
    """Remove all checkpoints of the run, and nothing else; with ``is_dry_run`` only count them.

    Raises: UsageError where a worker is at work in the run, EnvkitError where they cannot be removed.
    """
    if read_status(folder) == "running":
        raise busy_error(folder)
    found = list_removable(folder.path)
    cleaned = Cleaned(
        id=folder.path.name,
        folder=str(folder.path),
        checkpoints=len(found),
        freed=sum(_size(path) for path in found),
    )
    if found and not is_dry_run:
        try:
            with _held(folder):
                remove_all(folder.path)
        except OSError as error:
            raise EnvkitError(
                f"the checkpoints of {folder.path} cannot be removed: {error.filename}: {error.strerror}",
                hint=f"See whose they are: ls -l {folder.path}",
            ) from error
    return cleaned


def busy_error(folder: RunFolder) -> UsageError:
    """Return the error for whoever would clean a run that a worker is at work in."""
    return UsageError(
        f"a worker is at work in {folder.path}, which needs its checkpoints",
        hint="Wait for it, or stop it first: Ctrl-C where it runs",
    )


@contextlib.contextmanager
def _held(folder: RunFolder, *, sleep: Callable[[float], None] = time.sleep) -> Iterator[None]:
    """Keep workers out of the run meanwhile. Raises: UsageError where one is in it, OSError."""
    lock = os.open(folder.lock_file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    try:
        for attempt in range(_LOCK_TRIES):
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if attempt == _LOCK_TRIES - 1:
                    raise busy_error(folder) from None
                sleep(_LOCK_PAUSE)
        yield
    finally:
        os.close(lock)


def _size(path: Path) -> int:
    """Return the bytes of all files in a folder; what is gone meanwhile counts nothing."""
    total = 0
    for parent, _, names in os.walk(path):
        for name in names:
            with contextlib.suppress(OSError):
                total += os.lstat(os.path.join(parent, name)).st_size  # noqa: PTH118
    return total
