"""Lines for people on standard error, where no host stands between a worker and whoever started it."""

from __future__ import annotations

import contextlib
import threading
from typing import IO, TYPE_CHECKING

from envkit.api.events import AnyEvent, Message

if TYPE_CHECKING:
    from envkit.api.records import ErrorRecord


class SaidLines:
    """Write each line whole and at once. Nobody who has stopped reading keeps the work from going on."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream
        # Reentrant: a signal's handler may say something while something is being said.
        self._lock = threading.RLock()

    def say(self, text: str) -> None:
        """Write the line."""
        with self._lock, contextlib.suppress(OSError, ValueError):  # its reader has left, or it is closed
            self._stream.write(f"{text}\n")
            self._stream.flush()

    def event(self, event: AnyEvent) -> None:
        """Write what a message says, and nothing of other events."""
        if isinstance(event, Message):
            self.say(f"warning: {event.text}" if event.level == "warning" else event.text)

    def error(self, error: ErrorRecord) -> None:
        """Write what went wrong and what to do; the traceback first where the fault is an author's."""
        if error.traceback is not None:
            self.say(error.traceback)
        self.say(f"error: {error.message}")
        if error.hint:
            self.say(f"hint: {error.hint}")
