"""Which programs are in an environment, where the system tells."""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from envkit.environments.generations import Generations, in_use_error, in_use_file

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from envkit.api import EnvError

# Linux's; where there is none, nobody is named.
_PROC = Path("/proc")
_LISTED = 5


@dataclass(frozen=True)
class Holder:
    """A process by its id, with the words it was started with, in short."""

    process: int
    program: str

    def __str__(self) -> str:
        """Return it as an error names it."""
        return f"{self.program} (process {self.process})"


def busy_error(folder: Path, names: Sequence[str], *, proc: Path = _PROC) -> EnvError:
    """Return the error of environments in this folder that somebody is in, with who that is."""
    error = in_use_error(*names)
    holders = find_holders(
        [file for name in names for file in _in_use_files(Generations(folder, name))], proc=proc
    )
    if holders:
        more = f" and {len(holders) - _LISTED} more" if len(holders) > _LISTED else ""
        error.message += f": {', '.join(map(str, holders[:_LISTED]))}{more}"
        error.args = (error.message,)
    return error


def find_holders(files: Sequence[Path], *, proc: Path = _PROC) -> tuple[Holder, ...]:
    """Return the other processes that have one of these files open, as far as they may be looked at.

    Who inherited a lock holds it too, and ``/proc/locks`` names only who took it: so open files are asked.
    """
    wanted = set()
    for file in files:
        with contextlib.suppress(OSError):
            there = file.stat()
            wanted.add((there.st_dev, there.st_ino))
    if not wanted:
        return ()
    processes = sorted(process for process in _processes(proc) if process != os.getpid())
    return tuple(
        Holder(process, _program(proc / str(process)))
        for process in processes
        if not wanted.isdisjoint(_open_files(proc / str(process)))
    )


def _in_use_files(generations: Generations) -> Iterator[Path]:
    for number in generations.numbers():
        yield in_use_file(generations.prefix(number))
    yield in_use_file(generations.link)  # of an older envkit


def _processes(proc: Path) -> Iterator[int]:
    with contextlib.suppress(OSError):
        yield from (int(name) for name in os.listdir(proc) if name.isdigit())  # noqa: PTH208


def _open_files(process: Path) -> Iterator[tuple[int, int]]:
    with contextlib.suppress(OSError):  # another user's, or it has just ended
        for descriptor in (process / "fd").iterdir():
            with contextlib.suppress(OSError):
                there = descriptor.stat()
                yield there.st_dev, there.st_ino


def _program(process: Path) -> str:
    """Return the name of the program and, of an interpreter, what it runs."""
    with contextlib.suppress(OSError):
        words = (process / "cmdline").read_bytes().decode(errors="replace").split("\0")
        program, *arguments = [word for word in words if word] or [""]
        name = Path(program).name
        if name.startswith("python"):
            script = next((word for word in arguments if not word.startswith("-")), "")
            name = f"{name} {Path(script).name}" if script and "\n" not in script else name
        if name:
            return name
    return "a program"
