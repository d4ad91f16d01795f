"""Small servers on loopback ports: ones that answer, a silent one, one that refuses, and a proxy."""

from __future__ import annotations

import base64
import http.server
import select
import socket
import socketserver
import ssl
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    Answer = Callable[[str, str], int | tuple[int, Mapping[str, str]]]


class Asked:
    """What a server was asked, each request as its method and path, with its headers."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.headers: list[dict[str, str]] = []


@contextmanager
def server_that(answer: Answer, *, certificate: Path | None = None) -> Iterator[tuple[str, Asked]]:
    """Serve what ``answer`` gives for method and path: a status, or one with headers."""
    asked = Asked()

    class Handler(http.server.BaseHTTPRequestHandler):
        def _answer(self) -> None:
            asked.lines.append(f"{self.command} {self.path}")
            asked.headers.append(dict(self.headers.items()))
            given = answer(self.command, self.path)
            status, headers = (given, {}) if isinstance(given, int) else given
            self.send_response(status)
            for name, value in {"Content-Length": "0", **headers}.items():
                self.send_header(name, value)
            self.end_headers()

        do_GET = do_HEAD = _answer

        def log_message(self, *_: object) -> None:
            pass

    with _Threads(("127.0.0.1", 0), Handler) as server:
        if certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            server.context = context
        with _served(server):
            scheme = "http" if certificate is None else "https"
            yield f"{scheme}://127.0.0.1:{server.server_address[1]}", asked


@contextmanager
def proxy_that(
    *, wants: str | None = None, refuses: int | None = None, certificate: Path | None = None
) -> Iterator[tuple[str, Asked]]:
    """Serve as a proxy; one that ``wants`` USER:PASSWORD, or ``refuses`` every way with a status."""
    asked = Asked()
    account = None if wants is None else f"Basic {base64.b64encode(wants.encode()).decode()}"

    class Handler(http.server.BaseHTTPRequestHandler):
        def _may(self) -> bool:
            asked.lines.append(f"{self.command} {self.path}")
            asked.headers.append(dict(self.headers.items()))
            status = refuses
            if account is not None and self.headers.get("Proxy-Authorization") != account:
                status = 407
            if status is not None:
                self.send_error(status)
            return status is None

        def do_CONNECT(self) -> None:
            if not self._may():
                return
            host, _, port = self.path.rpartition(":")
            try:
                there = socket.create_connection((host, int(port)), timeout=2)
            except OSError:
                self.send_error(502)
                return
            self.send_response(200)
            self.end_headers()
            with there:
                _carry(self.connection, there)
            self.close_connection = True

        def do_HEAD(self) -> None:
            if self._may():
                self.send_response(200)
                self.end_headers()

        do_GET = do_HEAD

        def log_message(self, *_: object) -> None:
            pass

    with _Threads(("127.0.0.1", 0), Handler) as server:
        if certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            server.context = context
        with _served(server):
            scheme = "http" if certificate is None else "https"
            yield f"{scheme}://127.0.0.1:{server.server_address[1]}", asked


@contextmanager
def silent_port() -> Iterator[int]:
    """Take calls, and say nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


def refusing_port() -> int:
    """Return a port at which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    return port


class _Threads(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True
    block_on_close = False
    context: ssl.SSLContext | None = None

    def finish_request(self, request: Any, client_address: Any) -> None:
        """Agree on TLS in the connection's own thread, where a client that hangs up harms no other."""
        if self.context is None:
            super().finish_request(request, client_address)
            return
        try:
            with self.context.wrap_socket(request, server_side=True) as secured:
                super().finish_request(secured, client_address)  # type: ignore[arg-type]
        except OSError:
            return

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of clients that hang up."""


@contextmanager
def _served(server: socketserver.BaseServer) -> Iterator[None]:
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()


def _carry(here: socket.socket, there: socket.socket) -> None:
    while True:
        readable, _, _ = select.select([here, there], [], [], 2)
        if not readable:
            return
        for end in readable:
            content = end.recv(65536)
            if not content:
                return
            (there if end is here else here).sendall(content)
