"""Ask a container engine a question: HTTP over its socket, with an end in sight whatever the other side does.

The calls are few and small, so they are spoken by hand, as HTTP/1.0, whose answers end with the connection:
Python's own client costs 25 ms to import, and its time limit begins anew with every byte that trickles in.
"""

from __future__ import annotations

import errno
import os
import socket
import stat
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import msgspec

if TYPE_CHECKING:
    from envkit.api.facts import DockerState
    from envkit.docker_endpoint import Endpoint, TlsFiles

# Engines answer in milliseconds, but `info` of one with thousands of containers takes longer.
ANSWER_SECONDS = 2.0
_MOST_BYTES = 4 << 20
_TCP_PORT, _TLS_PORT = 2375, 2376  # what docker's command takes where an address has none


class EngineSilent(Exception):
    """Tell that a call gave no answer: ``state`` is the engine's by this sign, ``why`` says it in words."""

    def __init__(self, state: DockerState, why: str) -> None:
        super().__init__(why)
        self.state = state
        self.why = why


def ask_engine(endpoint: Endpoint, target: str, *, seconds: float = ANSWER_SECONDS) -> dict[str, Any]:
    """Return the JSON object that ``GET target`` is answered with. Raises: EngineSilent.

    All of it, from the first connection to the last byte, has this many seconds; only the look-up of a name
    in the network, for an engine that is not on this machine, is bounded by the system alone.
    """
    return _read_object(call_engine(endpoint, target, seconds=seconds), target)


def call_engine(endpoint: Endpoint, target: str, *, seconds: float = ANSWER_SECONDS) -> bytes:
    """Return the body of the answer, whatever it is; otherwise as ``ask_engine``."""
    deadline = time.monotonic() + seconds
    place = str(endpoint.socket or endpoint.address)
    request = f"GET {target} HTTP/1.0\r\nHost: docker\r\nUser-Agent: envkit\r\n\r\n".encode()
    try:
        with _connect(endpoint, deadline) as connection:
            connection.settimeout(_left(deadline))
            connection.sendall(request)
            answer = _receive(connection, deadline)
    except TimeoutError:
        raise EngineSilent("silent", f"{place} gives no whole answer in {seconds:g} s") from None
    except OSError as error:
        raise _explain(error, endpoint, place) from error
    except ValueError as error:  # a path with a null byte
        raise EngineSilent("broken", f"{place}: {error}") from error
    return _body(answer, target)


def _connect(endpoint: Endpoint, deadline: float) -> socket.socket:
    if endpoint.socket is None:
        return _connect_tcp(endpoint, deadline)
    connection = socket.socket(socket.AF_UNIX)
    try:
        connection.settimeout(_left(deadline))
        connection.connect(os.fspath(endpoint.socket))
    except BaseException:
        connection.close()
        raise
    return connection


def _connect_tcp(endpoint: Endpoint, deadline: float) -> socket.socket:
    parts = urlsplit(endpoint.address)
    host = parts.hostname or ""
    port = parts.port or (_TLS_PORT if endpoint.tls else _TCP_PORT)
    connection = socket.create_connection((host, port), timeout=_left(deadline))
    if endpoint.tls is None:
        return connection
    try:
        connection.settimeout(_left(deadline))
        return _wrap(connection, host, endpoint.tls)
    except BaseException:
        connection.close()
        raise


def _wrap(connection: socket.socket, host: str, tls: TlsFiles) -> socket.socket:
    import ssl  # for engines across the network alone

    context = ssl.create_default_context(cafile=str(tls.ca) if tls.ca else None)
    if not tls.is_verified:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if tls.certificate and tls.key:
        context.load_cert_chain(tls.certificate, tls.key, password=lambda: "")  # never ask at the terminal
    return context.wrap_socket(connection, server_hostname=host)


def _receive(connection: socket.socket, deadline: float) -> bytes:
    """Return all that comes until the other side ends, or has said as much as it announced."""
    received = bytearray()
    while True:
        connection.settimeout(_left(deadline))
        chunk = connection.recv(1 << 16)
        received += chunk
        if not chunk or len(received) > _MOST_BYTES:
            return bytes(received)
        head, end, body = bytes(received).partition(b"\r\n\r\n")
        length = _announced(head) if end else None
        if length is not None and len(body) >= length:
            return bytes(received)


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


def _announced(head: bytes) -> int | None:
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.strip().lower() == b"content-length" and value.strip().isdigit():
            return int(value[:20])
    return None


def _body(answer: bytes, target: str) -> bytes:
    """Return the body of a whole and good answer. Raises: EngineSilent."""
    head, end, body = answer.partition(b"\r\n\r\n")
    words = head.split(b"\r\n")[0].split(b" ")
    if not answer:
        raise EngineSilent("broken", f"it ended the call to {target} without a word")
    if len(answer) > _MOST_BYTES:
        raise EngineSilent("broken", f"its answer to {target} is larger than {_MOST_BYTES >> 20} MiB")
    if not words[0].startswith(b"HTTP/") or len(words) < 2 or not words[1].isdigit():
        raise EngineSilent("broken", f"what listens there speaks no HTTP: {_quote(answer)}")
    if not end or len(body) < (_announced(head) or 0):
        raise EngineSilent("broken", f"it ended the call to {target} in the middle of its answer")
    if words[1] != b"200":
        status = words[1].decode()
        raise EngineSilent("broken", f"it answers {target} with status {status}: {_message(body)}")
    return body


def _read_object(body: bytes, target: str) -> dict[str, Any]:
    try:
        return msgspec.json.decode(body, type=dict[str, Any])
    except (msgspec.DecodeError, RecursionError):
        raise EngineSilent("broken", f"its answer to {target} is no JSON object: {_quote(body)}") from None


def _message(body: bytes) -> str:
    """Return what an engine says of an error."""
    try:
        said = msgspec.json.decode(body, type=dict[str, Any]).get("message")
    except (msgspec.DecodeError, RecursionError):
        said = None
    return said.strip()[:300] if isinstance(said, str) else _quote(body)


def _quote(data: bytes) -> str:
    text = "".join(letter if letter.isprintable() else " " for letter in data[:80].decode("utf-8", "replace"))
    return f"`{' '.join(text.split())}`"


def _explain(error: OSError, endpoint: Endpoint, place: str) -> EngineSilent:
    """Return what a failed call says about the engine."""
    what = (error.strerror or str(error)).strip()
    if isinstance(error, (FileNotFoundError, NotADirectoryError)) and endpoint.socket:
        return EngineSilent("stopped", f"{place} is not there")
    if isinstance(error, ConnectionRefusedError):
        if endpoint.socket and not _is_socket(endpoint.socket):
            return EngineSilent("broken", f"{place} is no socket")
        return EngineSilent("stopped", f"nothing listens at {place}")
    if isinstance(error, PermissionError) and endpoint.socket:
        return EngineSilent("no permission", f"{place}: {what}")
    if error.errno == errno.EAGAIN:
        return EngineSilent("silent", f"{place} takes no more calls")
    if isinstance(error, (ConnectionResetError, BrokenPipeError)):
        return EngineSilent("broken", f"{place} ended the call without an answer")
    return EngineSilent("broken", f"{place}: {what}")


def _is_socket(path: os.PathLike[str]) -> bool:
    try:
        return stat.S_ISSOCK(os.stat(path).st_mode)  # noqa: PTH116  # a path of any kind
    except OSError:
        return True
