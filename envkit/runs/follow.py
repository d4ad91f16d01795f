"""Read a run's events while the worker writes them."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from envkit.api.events import EventSplitter

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from envkit.api.events import AnyEvent

_POLL_SECONDS = 0.03


class EventTail:
    """Read what has been added to an events file, from byte ``start`` on."""

    def __init__(self, file: Path, *, start: int = 0) -> None:
        self._file = file
        self._position = start
        self._splitter = EventSplitter()

    def read(self) -> list[AnyEvent]:
        """Return the events since the last call, none while there is no file."""
        try:
            if self._file.stat().st_size <= self._position:
                return []
            with self._file.open("rb") as stream:
                stream.seek(self._position)
                chunk = stream.read()
        except FileNotFoundError:
            return []
        self._position += len(chunk)
        return self._splitter.feed(chunk)


def follow(
    tail: EventTail, *, is_alive: Callable[[], bool], sleep: Callable[[float], None] = time.sleep
) -> Iterator[list[AnyEvent]]:
    """Yield what is new, often nothing, several times a second until the worker has ended and all is read."""
    while True:
        lives = is_alive()  # asked before reading: what it wrote last is then read below
        yield tail.read()
        if not lives:
            return
        sleep(_POLL_SECONDS)
