"""Where the generations of an environment lie, and how one takes the place of another.

``envs/NAME`` is a symbolic link to the folder ``envs/.made/NAME-N``, and a change makes N + 1 beside it. In
``.made`` lie as well ``NAME.lock``, held by whoever changes NAME, and ``NAME-N.in-use``, held (shared) by
whoever runs in that generation. All that writes here holds ``NAME.lock``; after a SIGKILL between any two
system calls the link names a whole environment or none, and the next change clears what else was left.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import re
import shlex
import shutil
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from envkit.api import EnvError
from envkit.environments.flock import cannot_write, try_lock

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from envkit.environments.flock import FileLock

RECORD_FILE = "envkit-env.json"
_MADE = ".made"
# A folder that is being deleted: no longer valid, and under no name by which it could be taken for one.
_GONE = ".gone"
_LINK_DRAFT = ".link"
# Seconds: one who only asks whether a generation is in use holds it for a moment.
_PAUSES = (0.002, 0.02)
_GENERATION = re.compile(r"(?P<name>.+)-(?P<number>[0-9]+)(\.in-use|\.gone)?")


def in_use_file(prefix: Path) -> Path:
    """Return the file that whoever runs in a generation holds a shared lock on."""
    return prefix.with_name(f"{prefix.name}.in-use")


def is_in_use(prefix: Path) -> bool:
    """Tell whether anybody runs in a generation."""
    return _is_held(in_use_file(prefix))


def _is_held(file: Path) -> bool:
    if not file.exists():
        return False
    free = try_lock(file, shared=False)
    if free is not None:
        free.release()
    return free is None


def in_use_error(*names: str) -> EnvError:
    """Return the error of what cannot be done to environments while somebody is in them."""
    return EnvError(
        f"a run, shell, kernel or program is in {', '.join(names)}",
        hint="End it, or wait for it; runs are listed by: envkit runs list",
    )


def _keep_out(prefix: Path) -> FileLock | None:
    """Keep everybody out of a generation; return None where somebody runs in it."""
    lock = try_lock(in_use_file(prefix), shared=False)
    for pause in _PAUSES:
        if lock is None:
            time.sleep(pause)
            lock = try_lock(in_use_file(prefix), shared=False)
    return lock


@dataclass(frozen=True)
class Generations:
    """The generations of the environment of one name, in the folder of all environments."""

    folder: Path
    name: str

    @property
    def link(self) -> Path:
        """The path under which people and kernels find the current generation."""
        return self.folder / self.name

    @property
    def lock_file(self) -> Path:
        """The file that whoever changes this environment holds."""
        return self.folder / _MADE / f"{self.name}.lock"

    def is_worked_on(self) -> bool:
        """Tell whether somebody makes, changes or removes this environment at this moment."""
        return _is_held(self.lock_file)

    def prefix(self, number: int) -> Path:
        """Return where a generation really lies."""
        return self.folder / _MADE / f"{self.name}-{number}"

    def current(self) -> int | None:
        """Return the number of the generation that the link names, there or not; None for no link of ours."""
        try:
            target = self.link.readlink()
        except OSError:
            return None
        found = _GENERATION.fullmatch(target.name)
        is_ours = str(target.parent) == _MADE and found and found["name"] == self.name and not found[3]
        return int(found["number"]) if found and is_ours else None

    def numbers(self) -> list[int]:
        """Return the generations that are there, whole or not, the newest first."""
        return sorted((n for n in self._traces() if self.prefix(n).is_dir()), reverse=True)

    def next_number(self) -> int:
        """Return a number that nothing here bears any trace of."""
        return max(self._traces(), default=0) + 1

    def is_empty(self) -> bool:
        """Tell whether there is nothing of this name but, perhaps, its lock."""
        return not self._traces() and not self.link.is_symlink() and not self.link.exists()

    def check_place(self) -> None:
        """Check that the link may be put where it belongs. Raises: EnvError where something else lies there, or nothing may."""
        link = self.link
        if not os.access(self.folder, os.W_OK | os.X_OK):
            raise cannot_write(link, PermissionError(errno.EACCES, os.strerror(errno.EACCES)))
        if self.current() is not None or self.has_old_folder() or not (link.is_symlink() or link.exists()):
            return
        raise EnvError(
            f"there is something in {link} that envkit did not make",
            hint="Move it away, or take another name for the environment",
        )

    def has_old_folder(self) -> bool:
        """Tell whether an environment of an older envkit, without generations, lies where the link belongs."""
        with contextlib.suppress(OSError, ValueError):  # a copy of one that has them is somebody's own
            record = json.loads((self.link / RECORD_FILE).read_bytes())
            return not self.link.is_symlink() and "generation" not in record
        return False

    def swing(self, number: int) -> None:
        """Let the link name this generation, in one step. Raises: EnvError, and then nothing has changed."""
        draft, old = self._link_draft, None
        try:
            draft.unlink(missing_ok=True)
            draft.symlink_to(f"{_MADE}/{self.name}-{number}")
            if self.has_old_folder():
                old = self.take_old_folder(self.next_number())
            draft.rename(self.link)
        except OSError as error:
            with contextlib.suppress(OSError):
                draft.unlink()
                if old is not None:
                    old.rename(self.link)
            raise cannot_write(self.link, error) from error

    def take_old_folder(self, number: int) -> Path:
        """Move an environment of an older envkit out of the link's place, to be deleted; return where to.

        Raises: EnvError where it is in use, OSError.
        """
        unused = _keep_out(self.link)
        if unused is None:
            raise in_use_error(self.name)
        with unused:
            return self.link.rename(self._gone(number))

    def hold_all(self) -> list[FileLock] | None:
        """Keep everybody out of every generation; return None, holding nothing, where one is in use."""
        held: list[FileLock] = []
        for number in self.numbers():
            if (lock := _keep_out(self.prefix(number))) is None:
                for each in held:
                    each.release()
                return None
            held.append(lock)
        return held

    def discard(self, number: int) -> Path:
        """Make a generation that nobody is in invalid, in one step; return the folder that is to be deleted.

        Raises: EnvError.
        """
        prefix, gone = self.prefix(number), self._gone(number)
        try:
            (prefix / RECORD_FILE).unlink(missing_ok=True)
            with contextlib.suppress(FileNotFoundError):
                prefix.rename(gone)
            in_use_file(prefix).unlink(missing_ok=True)
        except OSError as error:
            raise cannot_write(prefix, error) from error
        return gone

    def discard_all(self) -> list[Path]:
        """Make every generation invalid, the link first; return the folders that are to be deleted.

        Raises: EnvError.
        """
        try:
            if self.current() is not None:
                self.link.unlink()
            old = [self.take_old_folder(self.next_number())] if self.has_old_folder() else []
        except OSError as error:
            raise cannot_write(self.link, error) from error
        return old + [self.discard(number) for number in self.numbers()]

    def clear(self, *, keep: Collection[int] = ()) -> list[EnvError]:
        """Remove all but the current generation, those to keep and those in use.

        Returns what could not be removed; the next change tries again.
        """
        failures: list[EnvError] = []
        with contextlib.suppress(OSError):
            self._link_draft.unlink(missing_ok=True)
            self._clear_old_files()
        for number in self._traces() - {self.current(), *keep}:
            try:
                unused = _keep_out(self.prefix(number))
                if unused is not None:
                    with unused:
                        gone = self.discard(number)
                    delete(gone)
            except EnvError as error:
                failures.append(error)
        return failures

    def has_leftovers(self) -> bool:
        """Tell whether there is anything to clear, looking at names alone."""
        return bool(self._traces() - {self.current()}) or self._link_draft.is_symlink()

    def forget(self) -> None:
        """Remove the lock's file, which the caller holds, where there is nothing else of this name."""
        if self.is_empty():
            self.lock_file.unlink(missing_ok=True)

    def _clear_old_files(self) -> None:
        if self.has_old_folder():
            return
        for suffix in ("in-use", "lock"):
            file = self.link.with_name(f"{self.name}.{suffix}")
            if file.is_file() and not file.is_symlink():  # else it is an environment of that name
                file.unlink()

    @property
    def _link_draft(self) -> Path:
        return self.folder / _MADE / f"{self.name}{_LINK_DRAFT}"

    def _gone(self, number: int) -> Path:
        prefix = self.prefix(number)
        return prefix.with_name(prefix.name + _GONE)

    def _traces(self) -> set[int]:
        return traces(self.folder).get(self.name, set())


def traces(folder: Path) -> dict[str, set[int]]:
    """Return, by name, the numbers of all generations that have a folder or a file, whole or not."""
    found: dict[str, set[int]] = {}
    with contextlib.suppress(FileNotFoundError, NotADirectoryError):
        for path in (folder / _MADE).iterdir():
            if match := _GENERATION.fullmatch(path.name):
                found.setdefault(match["name"], set()).add(int(match["number"]))
    return found


def delete(folder: Path) -> None:
    """Delete a folder that another process may be deleting as well. Raises: EnvError."""
    while folder.exists():
        with contextlib.suppress(FileNotFoundError):  # the other process was there first
            _remove_tree(folder)


def _remove_tree(folder: Path) -> None:
    def fail(function: object, path: str, error: BaseException) -> None:
        # The error itself names the file without its folder.
        if isinstance(error, FileNotFoundError) or not isinstance(error, OSError):
            raise error
        hint = f"rm -rf {shlex.quote(str(folder))}"
        raise EnvError(f"cannot remove {path}: {error.strerror}", hint=hint) from error

    if sys.version_info >= (3, 12):
        shutil.rmtree(folder, onexc=fail)
    else:
        shutil.rmtree(folder, onerror=lambda function, path, found: fail(function, path, found[1]))


def sweep(folder: Path, *, but: str = "") -> None:
    """Clear old generations and what killed processes left, of all but one name, where nobody works on it."""
    for name in traces(folder).keys() - {but}:
        generations = Generations(folder, name)
        if generations.has_leftovers():
            with contextlib.suppress(EnvError):
                if (lock := try_lock(generations.lock_file, shared=False)) is not None:
                    with lock:
                        generations.clear()
                        generations.forget()
