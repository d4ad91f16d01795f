"""Folders of a build, which the next build clears away where this one could not: it was killed.

Whoever has a folder holds a lock on it, and the system takes the lock back with the process.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_PREFIX = "envkit-locked-build-"
_SHARED_MEMORY = Path("/dev/shm")  # a folder in it is this user's alone
_TRIES = 5


def disk_places() -> tuple[Path, ...]:
    """Return where large files of a build may lie."""
    return (Path(tempfile.gettempdir()),)


def memory_places(environ: Mapping[str, str] = os.environ) -> tuple[Path, ...]:
    """Return where secrets may lie, the best first: in memory, where no disk keeps them."""
    runtime = environ.get("XDG_RUNTIME_DIR", "")
    named = (Path(runtime),) if runtime.startswith("/") else ()
    return (_SHARED_MEMORY, *named, *disk_places())


@contextlib.contextmanager
def build_folder(*, places: Sequence[Path] | None = None, is_usual: bool = False) -> Iterator[Path]:
    """Give an empty folder, for this user alone, in the first place that can be written to.

    Those in all the places whose process is gone are removed first. Without ``places``, it is one on disk. With
    ``is_usual`` it has the same path each time, unless another build has it at the moment: BuildKit keeps what it was
    sent by the path, and is sent what differs. Raises: OSError where no place can be written to.
    """
    candidates = disk_places() if places is None else tuple(places)
    for place in candidates:
        clear_stale_folders(place)
    folder, lock = _make(candidates, is_usual=is_usual)
    try:
        yield folder
    finally:
        try:
            shutil.rmtree(folder, ignore_errors=True)
        finally:
            _close(lock)


def clear_stale_folders(place: Path) -> None:
    """Remove this user's folders of builds that are gone; what cannot be removed stays."""
    with contextlib.suppress(OSError):
        for folder in sorted(place.glob(f"{_PREFIX}*")):
            with contextlib.suppress(OSError):
                _remove_if_stale(folder)


def _remove_if_stale(folder: Path) -> None:
    lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        if os.fstat(lock).st_uid == os.geteuid():
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)  # refused: its process lives
            if _is_at(folder, lock):
                shutil.rmtree(folder, ignore_errors=True)
    finally:
        os.close(lock)


def _is_at(folder: Path, opened: int) -> bool:
    """Tell whether the folder that was opened is still there: another build may have made one of that name anew."""
    with contextlib.suppress(FileNotFoundError):
        return os.path.samestat(folder.lstat(), os.fstat(opened))
    return False


def _make(places: Sequence[Path], *, is_usual: bool) -> tuple[Path, int | None]:
    """Return a new folder and the descriptor that holds its lock, None where the file system has no locks."""
    writable = [place for place in places if os.access(place, os.W_OK | os.X_OK)]
    place = writable[0] if writable else None  # None: mkdtemp says why there is none
    for _ in range(_TRIES):
        folder = _new_folder(place, is_usual=is_usual)
        try:
            lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        except FileNotFoundError:
            continue
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:  # another build took it for a stale one before it was locked
            os.close(lock)
            continue
        except OSError:
            os.close(lock)
            return folder, None
        if _is_at(folder, lock):
            return folder, lock
        os.close(lock)
    raise OSError(f"no folder for a build could be kept in {place}")


def _new_folder(place: Path | None, *, is_usual: bool) -> Path:
    if is_usual and place is not None:
        usual = place / f"{_PREFIX}{os.geteuid()}"
        with contextlib.suppress(FileExistsError):  # another build's, or made there by somebody else
            usual.mkdir(mode=0o700)
            return usual
    return Path(tempfile.mkdtemp(prefix=_PREFIX, dir=place))


def _close(lock: int | None) -> None:
    if lock is not None:
        os.close(lock)
