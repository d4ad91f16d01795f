"""How long nothing has been heard of a worker, said now and then: a loop that hangs looks like a long step."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

# Seconds without a word after which the user is told; later, once every hour.
QUIET_SECONDS = (60.0, 300.0, 900.0, 1800.0, 3600.0)


@dataclass(kw_only=True)
class Silence:
    """The time since a worker's last event. Nothing is ended unasked: only the user knows how long a step may take."""

    plugin: str
    after: tuple[float, ...] = QUIET_SECONDS
    clock: Callable[[], float] = time.monotonic
    _since: float = field(init=False)
    _told: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        self._since = self.clock()

    def heard(self) -> None:
        """Note that there was an event."""
        self._since, self._told = self.clock(), 0

    def due(self) -> str | None:
        """Return what is to be said now, None where nothing is."""
        quiet = self.clock() - self._since
        if quiet < self._next():
            return None
        self._told += 1
        return f"Nothing has been heard of {self.plugin} for {_in_words(quiet)}. Ctrl-C stops it, a second one kills it."

    def _next(self) -> float:
        over = self._told - len(self.after) + 1
        return self.after[self._told] if over <= 0 else self.after[-1] * (over + 1)


def _in_words(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.0f} s"
    hours, minutes = divmod(int(seconds // 60), 60)
    parts = [f"{hours} h"] * bool(hours) + [f"{minutes} min"] * bool(minutes)
    return " ".join(parts)
