"""What ties a worker that has no run folder to its host: a pipe for its events, and its life line."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from typing import TYPE_CHECKING

from envkit.api import RunCancelled
from envkit.api.events import encode_event
from envkit.worker.stop import StopRequest, kill_group, stop_with_host

if TYPE_CHECKING:
    from envkit.api.events import AnyEvent


class EventPipe:
    """Send events to the host. One that nobody reads is lost, and the worker with it, by its life line."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._lock = threading.Lock()

    def write(self, event: AnyEvent) -> None:
        """Send the event."""
        rest = memoryview(encode_event(event))
        with self._lock, contextlib.suppress(OSError):
            while rest:
                rest = rest[os.write(self._descriptor, rest) :]


def end_with_host(host: int, life_line: int) -> None:
    """End this worker and its group at once when the host, its parent, has gone: there is nothing to save.

    ``life_line`` is the pipe whose other end the host holds open as long as it lives; behind it, for the case
    that another process holds that end too, the system's own signal where it has one.
    """
    signal.signal(signal.SIGTERM, lambda *_: _end())
    gone = StopRequest()
    stop_with_host(host, gone)
    if gone():
        _end()
    threading.Thread(target=_wait, args=(life_line,), name="envkit-life-line", daemon=True).start()


def _wait(life_line: int) -> None:
    while os.read(life_line, 4096):
        pass  # nobody writes; only the end of the pipe means anything
    _end()


def _end() -> None:
    try:
        kill_group()
    finally:
        os._exit(RunCancelled.exit_code)  # started by hand, in a group that others share
