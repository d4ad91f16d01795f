"""Where an author's code, and programs that it starts, print to while envkit's standard output is read by programs."""

from __future__ import annotations

import contextlib
import io
import os
import sys
import threading
from typing import Any, BinaryIO, TextIO

MOST_KEPT = 80
# Code that makes itself a daemon closes the descriptors that it may have opened, and those are low.
_HIGH_DESCRIPTOR = 512


class Aside:
    """Descriptor 1, which programs that an author's code starts write to, led to standard error for a while."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._depth = 0
        self._kept: int | None = None

    def __enter__(self) -> None:
        with self._lock:
            if self._depth == 0:
                _flush()
                self._kept = self._lead()
            self._depth += 1

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._depth -= 1
            if self._depth == 0 and self._kept is not None:
                _flush()  # what was written past sys.stdout goes where all else of the code went
                kept, self._kept = self._kept, None
                with contextlib.suppress(OSError):  # the code has closed it
                    os.dup2(kept, 1)
                    os.close(kept)

    @staticmethod
    def _lead() -> int | None:
        try:
            kept = duplicate(1)
        except OSError:  # it is closed, and nobody reads it
            return None
        try:
            os.dup2(2, 1)
        except OSError:  # standard error is closed
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, 1)
            os.close(nowhere)
        return kept


def duplicate(descriptor: int) -> int:
    """Return a copy of a descriptor, a high one where this system has so many. Raises: OSError."""
    try:
        import fcntl

        return fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, _HIGH_DESCRIPTOR)
    except (ImportError, OSError):
        return os.dup(descriptor)


ASIDE = Aside()


def reopened(name: str) -> TextIO:
    """Return a standard stream that was closed, opened again: Python leaves its descriptor open."""
    number = stream = ("stdin", "stdout", "stderr").index(name)
    try:
        os.fstat(number)
    except OSError:  # that is closed too
        number = os.open(os.devnull, os.O_RDWR)
    return os.fdopen(
        number, "w" if stream else "r", encoding="utf-8", errors="backslashreplace", closefd=False
    )


def _flush() -> None:
    if sys.__stdout__ is not None:
        with contextlib.suppress(OSError, ValueError):
            sys.__stdout__.flush()


class Printed(io.TextIOBase):
    """Standard output of an author's code: it goes to standard error, as what envkit prints is read by programs.

    ``place`` is the line of ``package`` that wrote first, as far as one of its lines did.
    """

    encoding = "utf-8"

    def __init__(self, package: str = "") -> None:
        self.beginning = ""
        self.place = ""
        self._package = package

    @property
    def buffer(self) -> BinaryIO:
        """Return where bytes go, as of every standard output."""
        return sys.stderr.buffer

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        if not self.beginning:
            self.place = current_line(self._package)
        if len(self.beginning) <= MOST_KEPT:
            self.beginning += text[:MOST_KEPT]
        if sys.stderr is not None:
            with contextlib.suppress(OSError, ValueError):  # nobody hears it, which is not the code's fault
                sys.stderr.write(text)
        return len(text)

    def flush(self) -> None:
        if sys.stderr is not None:
            with contextlib.suppress(OSError, ValueError):
                sys.stderr.flush()


class OfOneThread:
    """Standard output that is ``aside`` for the thread that made this, and as usual for all others.

    A thread that hangs in an author's code, and is left behind, takes no other's output along.
    """

    def __init__(self, aside: TextIO | Printed, usual: TextIO) -> None:
        self._thread = threading.get_ident()
        self._aside = aside
        self._usual = usual

    def __getattr__(self, name: str) -> Any:
        return getattr(self._aside if threading.get_ident() == self._thread else self._usual, name)


def current_line(package: str) -> str:
    """Return file and line of the innermost call in which this thread is in code of a package; empty for none."""
    frame = sys._getframe(1) if package else None
    while frame is not None:
        if str(frame.f_globals.get("__name__", "")).partition(".")[0] == package:
            return f"{frame.f_code.co_filename}:{frame.f_lineno}"
        frame = frame.f_back
    return ""
