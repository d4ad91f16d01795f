"""A screen that comes a moment after its command began: by then uv is at work, and rich keeps nobody waiting.

Importing what shows lines takes as long as planning an environment does.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from envkit.cli.progress import RunScreen
    from envkit.environments.progress import Progress

# People do not miss a line for so long; longer than a plan takes for which nothing is resolved.
_SECONDS = 0.25


def open_run_screen() -> RunScreen:
    """Return the screen that suits where stderr goes."""
    from envkit.cli.progress import run_screen  # with it comes rich

    return run_screen(headline="")


class LateScreen:
    """Keep what is said until the screen is there, ``seconds`` after the beginning or at the end."""

    def __init__(
        self, *, open_screen: Callable[[], RunScreen] = open_run_screen, seconds: float = _SECONDS
    ) -> None:
        self._open_screen = open_screen
        self._shown: RunScreen | None = None
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

    def _show(self) -> RunScreen:
        """Return the screen, open, with all that was said so far."""
        with self._lock:
            if self._shown is None:
                shown = self._open_screen().__enter__()
                for line in self._kept:
                    line(shown)
                self._shown = shown
            return self._shown
