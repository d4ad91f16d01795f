"""A file to write results to: it appears whole, or the one that was there stays."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import TYPE_CHECKING

from envkit.api import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

_STANDARD_OUTPUT = 1


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
