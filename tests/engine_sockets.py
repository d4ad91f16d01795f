"""Engines that are none: listeners at Unix sockets that answer with what a test gives them."""

from __future__ import annotations

import contextlib
import json
import socket
import tempfile
import threading
import time
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from socketserver import ThreadingMixIn, UnixStreamServer
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

VERSION = {
    "Version": "29.0.1",
    "ApiVersion": "1.52",
    "Os": "linux",
    "Arch": "amd64",
    "Components": [{"Name": "Engine", "Version": "29.0.1"}],
}
INFO = {
    "DockerRootDir": "/",
    "Driver": "overlayfs",
    "CgroupDriver": "systemd",
    "SecurityOptions": ["name=seccomp,profile=builtin", "name=rootless"],
    "Runtimes": {"runc": {}, "nvidia": {"path": "nvidia-container-runtime"}},
    "CDISpecDirs": ["/etc/cdi"],
    "DiscoveredDevices": [{"Source": "cdi", "ID": "nvidia.com/gpu=0"}, {"Source": "other", "ID": "x"}],
}


class _Server(ThreadingMixIn, UnixStreamServer):
    daemon_threads = True


@contextlib.contextmanager
def short_dir() -> Iterator[Path]:
    """Yield a folder whose name leaves room: the path of a socket has a hundred letters at most."""
    with tempfile.TemporaryDirectory(prefix="envkit-") as folder:
        yield Path(folder)


@contextlib.contextmanager
def http_engine(path: Path, answers: Mapping[str, Any]) -> Iterator[None]:
    """Listen with HTTP; an answer is an object, or status and body."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            answer = answers.get(self.path, (404, b'{"message": "page not found"}'))
            status, body = answer if isinstance(answer, tuple) else (200, json.dumps(answer).encode())
            self.send_response(status)
            self.end_headers()
            with contextlib.suppress(OSError):
                self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    path.parent.mkdir(parents=True, exist_ok=True)
    with _Server(str(path), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield
        finally:
            server.shutdown()
            thread.join()


@contextlib.contextmanager
def raw_engine(path: Path, speak: Callable[[socket.socket], None]) -> Iterator[None]:
    """Take one call after the other and let ``speak`` have each, once something was asked."""
    ended = threading.Event()

    def serve() -> None:
        while not ended.is_set():
            with contextlib.suppress(OSError):
                connection, _ = listener.accept()
                with connection:
                    connection.settimeout(5)
                    connection.recv(4096)
                    speak(connection)

    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        listener.settimeout(0.05)
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join(10)


def stay_silent(connection: socket.socket) -> None:
    """Say nothing until the caller has gone."""
    connection.recv(1)


def say(text: bytes) -> Callable[[socket.socket], None]:
    """Say this and end the call."""
    return lambda connection: connection.sendall(text)


def say_and_wait(text: bytes) -> Callable[[socket.socket], None]:
    """Say this and no more until the caller has gone."""

    def speak(connection: socket.socket) -> None:
        connection.sendall(text)
        connection.recv(1)

    return speak


def trickle(connection: socket.socket) -> None:
    """Say a letter now and then, for ever."""
    for _ in range(1000):
        connection.sendall(b"H")
        time.sleep(0.02)


def flood(connection: socket.socket) -> None:
    """Say more than any engine has to."""
    connection.sendall(b"HTTP/1.0 200 OK\r\n\r\n")
    for _ in range(1000):
        connection.sendall(b" " * 65536)
