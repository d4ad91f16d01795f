"""The connections of a server: how many there are, which wait for a request, and that all come to an end."""

from __future__ import annotations

import contextlib
import socket
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class Connections:
    """Count connections, up to ``most``; end those that have nothing in hand."""

    def __init__(self, *, most: int) -> None:
        self._most = most
        self._changed = threading.Condition()
        self._open: dict[socket.socket, Callable[[], bool]] = {}

    def enter(self, connection: socket.socket) -> bool:
        """Take a connection in; return False, and do not, where there are too many."""
        with self._changed:
            if len(self._open) >= self._most:
                return False
            self._open[connection] = lambda: False
            return True

    def know_idle(self, connection: socket.socket, is_idle: Callable[[], bool]) -> None:
        """Note how to tell that a connection waits for a request."""
        with self._changed:
            if connection in self._open:
                self._open[connection] = is_idle

    def leave(self, connection: socket.socket) -> None:
        """Forget a connection that is about to be closed."""
        with self._changed:
            self._open.pop(connection, None)
            self._changed.notify_all()

    def end(self, *, timeout: float | None = None) -> bool:
        """End what waits for a request, and wait, up to ``timeout`` seconds, until the others are done.

        Return whether they are.
        """
        with self._changed:
            for connection, is_idle in self._open.items():
                if is_idle():
                    with contextlib.suppress(OSError):
                        connection.shutdown(socket.SHUT_RDWR)  # its thread reads the end, and closes it
            return self._changed.wait_for(lambda: not self._open, timeout)
