"""A file to write results to: it appears whole, or the one that was there stays."""

from __future__ import annotations

import contextlib
import os
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from envkit.api import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

_STANDARD_OUTPUT = 1


def check_free(file: Path | None, *, option: str, source: Path | None, is_forced: bool) -> None:
    """Refuse a file that is there unless forced, and ``source``, which is read, always. Raises: UsageError.

    ``option`` is the one that names the file. A device, a pipe or a folder is left to ``opened_output``.
    """
    if file is None or not file.is_file():
        return
    if source is not None and source.exists() and file.samefile(source):
        raise UsageError(
            f"{option} {file} would be written over the file that is read",
            hint=f"Name another: {option} FILE",
        )
    if not is_forced:
        raise UsageError(
            f"{file} is there already",
            hint=f"Name another file, or write over it: {option} {shlex.quote(str(file))} --force",
        )


@contextlib.contextmanager
def opened_output(file: Path | None) -> Iterator[int]:
    """Give a descriptor to write to: of ``file``, or of standard output for None.

    A regular file is written beside and renamed at the end; where the body raises, nothing of it stays. A
    device or a pipe is written as it is. Raises: UsageError where it cannot be opened.
    """
    if file is None:
        yield from _lent(_STANDARD_OUTPUT, name="standard output")
        return
    if file.is_dir():
        raise UsageError(f"{file} is a folder, expected a file to write to", hint="Name a file in it")
    if file.exists() and not file.is_file():
        descriptor = _open(file, os.O_WRONLY, named=file)
        try:
            yield descriptor
        finally:
            os.close(descriptor)
        return
    target = Path(os.path.realpath(file))  # a link stays one
    draft = target.with_name(f".{target.name}.{os.getpid()}")
    descriptor = _open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, named=file)
    try:
        try:
            yield descriptor
        finally:
            os.close(descriptor)
        draft.replace(target)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise


def _lent(descriptor: int, *, name: str) -> Iterator[int]:
    try:
        copy = os.dup(descriptor)  # a worker gets it under another number: its own 1 is its log
    except OSError as error:
        raise UsageError(f"{name} is closed", hint="Name a file: --output FILE") from error
    try:
        yield copy
    finally:
        os.close(copy)


def _open(file: Path, flags: int, *, named: Path) -> int:
    try:
        return os.open(file, flags | os.O_CLOEXEC, 0o666)
    except OSError as error:
        raise UsageError(
            f"{named} cannot be written: {error.strerror}",
            hint="Name another file, in a folder that is there",
        ) from error
