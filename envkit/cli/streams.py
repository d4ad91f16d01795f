"""Standard streams that are closed, full or without a reader: what a command gets in their place, and how it ends."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import io
import os
import sys
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Iterator

    from envkit.api import EnvkitError

_BUG = 1
_READER_LEFT = (errno.EPIPE, errno.EIO)
_CLOSED = "it is closed"


class _NoInput(io.RawIOBase):
    """Standard input of a command that was started without one: whoever reads it hears so."""

    def readable(self) -> bool:
        return True

    def fileno(self) -> int:
        return 0

    def readinto(self, buffer: Any) -> int:
        raise _closed_input()


def open_closed_streams() -> None:
    """Give a command that was started without one of its streams one that leads nowhere.

    In this order they get their own numbers, which no file that is opened later may have. Reading what was closed,
    and writing to it, are errors, as nothing came of them; what would have been said of them is lost.
    """
    if sys.stdin is None:
        _open_null(os.O_RDONLY)
        sys.stdin = io.TextIOWrapper(io.BufferedReader(_NoInput()), encoding="utf-8")
    if sys.stdout is None:
        sys.stdout = os.fdopen(_open_null(os.O_RDONLY), "w", encoding="utf-8")  # each write to it fails
    if sys.stderr is None:
        sys.stderr = os.fdopen(_open_null(os.O_WRONLY), "w", encoding="utf-8")


def check_input() -> None:
    """Check, for who reads descriptor 0 itself, that standard input was not closed. Raises: UsageError."""
    if isinstance(getattr(getattr(sys.stdin, "buffer", None), "raw", None), _NoInput):
        raise _closed_input()


def is_output_lost(error: BaseException) -> bool:
    """Tell whether it says that standard output cannot be written."""
    if not isinstance(error, OSError) or error.filename is not None:
        return False
    return error.errno in (*_READER_LEFT, errno.ENOSPC) or _is_of_closed(error)


def end_without_output(error: OSError) -> int:
    """End where standard output cannot be written, and return the exit code: quietly, 0, where its reader left."""
    why = _CLOSED if _is_of_closed(error) else error.strerror
    # What is still buffered would fail once more when the interpreter ends.
    with contextlib.suppress(OSError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    if error.errno in _READER_LEFT:
        return 0
    with contextlib.suppress(OSError):
        click.echo(f"error: the output cannot be written: {why}", err=True)
    return _BUG


@contextlib.contextmanager
def verdict(code: int) -> Iterator[None]:
    """End with this exit code once all is written; also where the reader of standard output leaves before.

    Raises: click's Exit with the code, unless it is 0.
    """
    try:
        yield
        sys.stdout.flush()  # what is still buffered would be lost at the exit, and the verdict with it
    except OSError as error:
        if not is_output_lost(error):
            raise
        raise click.exceptions.Exit(end_without_output(error) or code) from error
    if code:
        raise click.exceptions.Exit(code)


def _closed_input() -> EnvkitError:
    from envkit.api import UsageError

    return UsageError("standard input is closed", hint="Send the data in: COMMAND | envkit … or < FILE")


def _is_of_closed(error: OSError) -> bool:
    """Tell whether standard output was closed before this command began, or is open for reading alone."""
    if error.errno != errno.EBADF:
        return False
    try:
        return fcntl.fcntl(sys.stdout.fileno(), fcntl.F_GETFL) & os.O_ACCMODE == os.O_RDONLY
    except (OSError, ValueError):
        return True


def _open_null(flags: int) -> int:
    descriptor = os.open(os.devnull, flags)
    os.set_inheritable(descriptor, True)
    return descriptor
