"""A server of the task `echo` as a process, and a client that says exactly what it is told to."""

from __future__ import annotations

import contextlib
import json
import re
import socket
import subprocess
import sys
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from echo import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

_SECONDS = 20.0
JSON = "Content-Type: application/json\r\n"
PLAIN = "Content-Type: text/plain\r\n"


@dataclass(frozen=True)
class Answered:
    """What came back: the status, the headers in lower case, and the body."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def content(self) -> Any:
        return json.loads(self.body)


class Server:
    """A server's process; ``said`` is what it has written on standard error so far."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self._lines: list[str] = []
        self._reader = threading.Thread(target=self._read)
        self._reader.start()
        wait_until(lambda: "Listening on" in self.said or process.poll() is not None)
        found = re.search(r"Listening on 127\.0\.0\.1:(\d+)", self.said)
        self.port = int(found[1]) if found else 0

    @property
    def said(self) -> str:
        return "".join(self._lines)

    def ask(self, method: str, path: str, *, headers: str = "", body: bytes = b"") -> Answered:
        """Send a request of its own connection, and return the answer."""
        with self.connect() as connection:
            connection.sendall(message(method, path, headers=headers, body=body))
            return read_answer(connection)

    def predict(self, **asked: Any) -> Answered:
        return self.ask("POST", "/predict", headers=JSON, body=json.dumps(asked).encode())

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=_SECONDS)

    def wait_ready(self) -> None:
        wait_until(lambda: "Ready" in self.said)

    def ended(self) -> int:
        """Return the exit code, once there is one and all is read."""
        code = self.process.wait(timeout=_SECONDS)
        self._reader.join(timeout=_SECONDS)
        return code

    def _read(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self._lines.append(line)


@contextlib.contextmanager
def serving(model: Path, *words: str, environ: Mapping[str, str]) -> Iterator[Server]:
    """Give a server on a free port, and take it away afterwards."""
    process = subprocess.Popen(
        [sys.executable, "-m", "envkit.worker.serve", "--model", model]
        + ["--host", "127.0.0.1", "--port", "0", *words],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        env=environ,
    )
    server = Server(process)
    try:
        yield server
    finally:
        process.kill()
        server.ended()
        assert process.stderr is not None
        process.stderr.close()


def message(method: str, path: str, *, headers: str = "", body: bytes = b"", close: bool = True) -> bytes:
    """Return a request as it goes over the wire."""
    length = f"Content-Length: {len(body)}\r\n" if body else ""
    end = "Connection: close\r\n" if close else ""
    return f"{method} {path} HTTP/1.1\r\nHost: here\r\n{headers}{length}{end}\r\n".encode() + body


def read_answer(connection: socket.socket) -> Answered:
    """Read one answer from a connection."""
    with connection.makefile("rb") as stream:
        status = int(stream.readline().split()[1])
        headers = {}
        while line := stream.readline().strip():
            name, _, value = line.decode().partition(":")
            headers[name.lower()] = value.strip()
        return Answered(status, headers, stream.read(int(headers.get("content-length", 0))))
