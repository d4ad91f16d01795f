"""A screen that comes a moment after its command began: by then uv is at work, and rich keeps nobody waiting.

Importing what shows lines takes as long as planning an environment does.
"""

from __future__ import annotations

import sys
import threading
from typing import TYPE_CHECKING, Protocol, Self

from envkit.cli.lines import is_for_lines, lines_on_stderr
from envkit.environments.progress import Progress

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType


# People do not miss a line for so long; longer than a plan takes for which nothing is resolved.
_SECONDS = 0.25


class Screen(Progress, Protocol):
    """What shows the making of an environment while it is open."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


def open_screen() -> Screen:
    """Return the screen that suits where stderr goes."""
    if is_for_lines(sys.stderr):  # rich would take from uv a tenth of a second of one of two cores
        return lines_on_stderr()
    from envkit.cli.progress import run_screen  # with it comes rich

    return run_screen(headline="")


class LateScreen:
    """Keep what is said until the screen is there, ``seconds`` after the beginning or at the end."""

    def __init__(self, *, open_screen: Callable[[], Screen] = open_screen, seconds: float = _SECONDS) -> None:
        self._open_screen = open_screen
        self._shown: Screen | None = None
        self._kept: list[Callable[[Progress], None]] = []
        self._lock = threading.Lock()
        self._timer = threading.Timer(seconds, self._show)
        self._timer.daemon = True

    def __enter__(self) -> Self:
        self._timer.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._timer.cancel()
        self._show().__exit__(kind, error, trace)

    def say(self, text: str) -> None:
        """Show a line that stays."""
        self._tell(lambda screen: screen.say(text))

    def step(self, text: str) -> None:
        """Show what is being done now."""
        self._tell(lambda screen: screen.step(text))

    def bytes(self, done: int, total: int | None, what: str) -> None:
        """Show beside it how many bytes are there."""
        self._tell(lambda screen: screen.bytes(done, total, what))

    def _tell(self, line: Callable[[Progress], None]) -> None:
        with self._lock:
            if self._shown is None:
                self._kept.append(line)
            else:
                line(self._shown)

    def _show(self) -> Screen:
        """Return the screen, open, with all that was said so far."""
        with self._lock:
            if self._shown is None:
                shown = self._open_screen().__enter__()
                for line in self._kept:
                    line(shown)
                self._shown = shown
            return self._shown
