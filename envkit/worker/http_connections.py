"""The connections of a server: how many there are, which wait for a request, and that all come to an end."""

from __future__ import annotations

import contextlib
import socket
import threading
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable


class Connections:
    """Count connections, up to ``most``; end those that have nothing in hand."""

    def __init__(self, *, most: int) -> None:
        self._most = most
        self._changed = threading.Condition()
        self._open: dict[socket.socket, Callable[[], bool]] = {}

    def enter(self, connection: socket.socket) -> bool:
        """Take a connection in; return False, and do not, where there are too many with a request in hand.

        Of those that wait, the one that came first gives up its place: whoever opens connections and says nothing
        keeps nobody out.
        """
        with self._changed:
            if len(self._open) >= self._most and not self._make_room():
                return False
            self._open[connection] = lambda: False
            return True

    def _make_room(self) -> bool:
        for connection, is_waiting in self._open.items():
            if is_waiting():
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)  # its thread reads the end, and closes it
                del self._open[connection]
                return True
        return False

    def know_waiting(self, connection: socket.socket, is_waiting: Callable[[], bool]) -> None:
        """Note how to tell that a connection waits for a request, or for the rest of one."""
        with self._changed:
            if connection in self._open:
                self._open[connection] = is_waiting

    def leave(self, connection: socket.socket) -> None:
        """Forget a connection that is about to be closed."""
        with self._changed:
            self._open.pop(connection, None)
            self._changed.notify_all()

    def end(self, *, timeout: float | None = None) -> bool:
        """End what waits for a request or the rest of one, and wait, up to ``timeout`` seconds, until the others are done.

        Return whether they are.
        """
        with self._changed:
            for connection, is_waiting in self._open.items():
                if is_waiting():
                    with contextlib.suppress(OSError):
                        connection.shutdown(socket.SHUT_RDWR)  # its thread reads the end, and closes it
            return self._changed.wait_for(lambda: not self._open, timeout)


def refuse_connection(connection: socket.socket) -> None:
    """Answer a connection that is one too many, without a thread for it."""
    body = msgspec.json.encode(
        {"error": {"message": "there are too many connections", "hint": "Try again in a moment"}}
    )
    head = (
        "HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\nRetry-After: 1\r\n"
        f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    )
    with contextlib.suppress(OSError):
        connection.settimeout(0.1)
        connection.sendall(head.encode("ascii") + body)
