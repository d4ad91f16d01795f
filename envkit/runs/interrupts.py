"""Ctrl-C, and its likes, while a worker runs: once asks it to stop, twice kills it."""

from __future__ import annotations

import signal
import threading
import time
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from envkit.runs.launch import RunningWorker

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

# One Ctrl-C arrives twice where a launcher passes on what the terminal has sent to its whole group already,
# and a terminal that closes sends SIGHUP and then SIGTERM. No hand is this fast.
_ECHO_SECONDS = 0.2


class Interrupts:
    """Take SIGINT, SIGTERM and SIGHUP from the process and act on the worker, at once or when it has come."""

    def __init__(self, *, now: Callable[[], float] = time.monotonic) -> None:
        self.count = 0
        self._now = now
        self._last = 0.0
        self._worker: RunningWorker | None = None
        self._replaced: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Self:
        """Begin to take the signals, where this is the main thread: Python allows it in no other."""
        if threading.current_thread() is threading.main_thread():
            for number in _SIGNALS:
                if signal.getsignal(number) is not signal.SIG_IGN:  # nohup means it
                    self._replaced[number] = signal.signal(number, lambda *_: self.take())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Give the signals back to whoever had them."""
        for number, handler in self._replaced.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)

    def watch_over(self, worker: RunningWorker) -> None:
        """Act on this worker from now on, also on what came before it."""
        self._worker = worker
        self._act()

    def take(self) -> None:
        """Count an interrupt and act on it."""
        moment = self._now()
        if self.count and moment - self._last < _ECHO_SECONDS:
            return
        self._last = moment
        self.count += 1
        self._act()

    def _act(self) -> None:
        if self._worker is None or self.count == 0:
            return
        if self.count == 1:
            self._worker.ask_to_stop()
        else:
            self._worker.kill()
