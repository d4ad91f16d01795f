"""Progress as lines, each whole: for logs, pipes and people who read with a screen reader. Needs no rich."""

from __future__ import annotations

import os
import sys
import time
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import TextIO

SECONDS_BETWEEN_LINES = 5.0  # in a log file, often enough to see that it lives
# By these rich may take for a terminal what is none.
_FORCING = ("FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE")
# What rich leaves out of a text too.
_UNSEEN = dict.fromkeys(map(ord, "\a\b\v\f\r"))


class Lines:
    """Write what is said, and what is done now, each as a line."""

    def __init__(self, write: Callable[[str], None], *, clock: Callable[[], float] = time.monotonic) -> None:
        self.write = write
        self.clock = clock
        self.last_line = float("-inf")
        self.last_step = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        return

    def say(self, text: str) -> None:
        """Print the line."""
        self.write(text)
        self.last_line = self.clock()

    def step(self, text: str) -> None:
        """Print what is done now; how far it is (behind a colon), every few seconds."""
        kind = text.partition(":")[0]
        if kind != self.last_step or self.clock() - self.last_line >= SECONDS_BETWEEN_LINES:
            self.last_step = kind
            self.say(text)

    def bytes(self, done: int, total: int | None, what: str) -> None:
        """Print how many bytes are there, every few seconds."""
        if self.clock() - self.last_line >= SECONDS_BETWEEN_LINES:
            self.say(bytes_text(done, total, what))


def is_for_lines(stream: TextIO, *, environ: Mapping[str, str] = os.environ) -> bool:
    """Tell for certain that a stream is no terminal, and that no variable has it taken for one."""
    return not stream.isatty() and not any(name in environ for name in _FORCING)


def lines_on_stderr() -> Lines:
    """Return what writes lines to standard error; where a reader has left, nobody misses them."""

    def write(text: str) -> None:
        try:
            sys.stderr.write(f"{text.translate(_UNSEEN)}\n")
            sys.stderr.flush()
        except OSError:
            pass

    return Lines(write)


def bytes_text(done: int, total: int | None, what: str) -> str:
    """Return how many bytes are there, of how many if that is known: ``12 of 180 MB, torch``."""
    if total:
        return f"{done / 1e6:.0f} of {total / 1e6:.0f} MB, {what}"
    return f"{done / 1e6:.0f} MB {what}"
