"""Locks on files, held by this process and by others."""

from __future__ import annotations

import errno
import fcntl
import os
import signal
import subprocess
import sys
import threading
from typing import TYPE_CHECKING, Any

import pytest

from envkit.api import EnvError
from envkit.environments.flock import FileLock, lock_exclusively, lock_shared, try_lock

if TYPE_CHECKING:
    from pathlib import Path

HOLD = """
import sys
from pathlib import Path
from envkit.environments.flock import lock_exclusively
lock = lock_exclusively(Path(sys.argv[1]))
print("held", flush=True)
sys.stdin.read()
"""


@pytest.mark.parametrize(
    ("first", "second", "is_free"),
    [(True, True, True), (True, False, False), (False, True, False), (False, False, False)],
)
def test_try_lock_beside_a_holder_takes_it_only_where_both_share(
    tmp_path: Path, first: bool, second: bool, is_free: bool
) -> None:
    with try_lock(tmp_path / "lock", shared=first) or pytest.fail():
        beside = try_lock(tmp_path / "lock", shared=second)
        assert (beside is not None) == is_free
    if beside is not None:
        beside.release()
    assert try_lock(tmp_path / "lock", shared=second) is not None


def test_lock_released_twice_does_nothing(tmp_path: Path) -> None:
    lock = lock_shared(tmp_path / "lock")
    lock.release()
    lock.release()
    assert try_lock(tmp_path / "lock", shared=False) is not None


def test_lock_of_a_killed_process_is_free_and_a_child_that_inherited_it_keeps_it(tmp_path: Path) -> None:
    file = tmp_path / "lock"
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, file], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        assert try_lock(file, shared=False) is None
        holder.send_signal(signal.SIGKILL)
        holder.wait()
        lock = try_lock(file, shared=False)
    assert lock is not None
    child = subprocess.Popen(["sleep", "60"], pass_fds=[lock.fileno()])
    lock.release()
    assert try_lock(file, shared=False) is None
    child.kill()
    child.wait()
    assert try_lock(file, shared=False) is not None


def test_lock_exclusively_hears_once_who_holds_it(tmp_path: Path) -> None:
    file = tmp_path / "lock"
    first = lock_exclusively(file)
    heard: list[str] = []

    def on_wait(holder: str) -> None:
        heard.append(holder)
        first.release()

    lock_exclusively(file, on_wait=on_wait).release()
    assert heard == [f"process {os.getpid()}"]


def test_lock_whose_file_was_removed_while_another_waits_is_taken_on_the_new_file(tmp_path: Path) -> None:
    file = tmp_path / "lock"
    first = lock_exclusively(file)
    taken: list[FileLock] = []
    waiting = threading.Event()
    thread = threading.Thread(
        target=lambda: taken.append(lock_exclusively(file, on_wait=lambda holder: waiting.set()))
    )
    thread.start()
    assert waiting.wait(5)
    file.unlink()
    first.release()
    thread.join(5)
    assert file.exists()
    assert try_lock(file, shared=False) is None  # the one who waited has it
    taken[0].release()


@pytest.mark.parametrize("code", [errno.ENOLCK, errno.ENOTSUP, errno.ENOSYS])
def test_file_system_without_locks_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    def refuse(*arguments: Any) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(fcntl, "flock", refuse)
    for take in (lock_exclusively, lock_shared, lambda file: try_lock(file, shared=False)):
        with pytest.raises(EnvError, match="cannot lock .*lock: ") as caught:
            take(tmp_path / "lock")
        assert "ENVKIT_HOME=DIR" in str(caught.value.hint)


@pytest.mark.parametrize(
    ("code", "mend"),
    [(errno.EROFS, "Mend the permissions of"), (errno.ENOSPC, "Free some space"), (errno.EDQUOT, "Free")],
)
def test_file_that_cannot_be_made_is_named_with_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int, mend: str
) -> None:
    def refuse(*arguments: Any) -> int:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(EnvError, match="cannot write .*lock: ") as caught:
        lock_shared(tmp_path / "lock")
    assert str(caught.value.hint).startswith(mend)


def test_file_that_may_only_be_read_can_be_shared_and_not_made_ones_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "lock"
    file.touch()
    real = os.open

    def reading_only(path: Path, flags: int, *rest: int) -> int:
        if flags & (os.O_RDWR | os.O_CREAT):
            raise OSError(errno.EROFS, os.strerror(errno.EROFS))
        return real(path, flags, *rest)

    monkeypatch.setattr(os, "open", reading_only)
    lock_shared(file).release()
    assert try_lock(file, shared=True) is not None
    with pytest.raises(EnvError, match="Read-only file system"):
        lock_exclusively(file)


def test_full_disk_does_not_keep_anybody_from_a_lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*arguments: Any) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "pwrite", full)
    lock_exclusively(tmp_path / "lock").release()
