"""Ask one address: over a proxy or straight, with TLS or plain, and on to where it leads."""

from __future__ import annotations

import contextlib
import http.client
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, urljoin, urlsplit

from envkit.machine.network_proxy import connected_to_proxy, tunnel, unaccepted
from envkit.machine.network_route import (
    DEFAULT_PORTS,
    credentials,
    credentials_of_netrc,
    plain,
    proxy_place,
)
from envkit.machine.network_tls import secured
from envkit.machine.network_way import Unreached, connected, words_of

if TYPE_CHECKING:
    import socket
    from collections.abc import Mapping

    from envkit.machine.network_way import Way

_REDIRECTS = 3
_AGENT = {"User-Agent": "envkit", "Accept": "*/*", "Connection": "close"}


def ask(address: str, *, way: Way) -> int:
    """Return the HTTP status that an address answers with, redirects followed. Raises: Unreached."""
    for _ in range(_REDIRECTS):
        parts = urlsplit(address)
        status, elsewhere = _ask_once(parts, "HEAD", way)
        if status >= 400 and status not in (401, 407):  # many a server knows GET alone
            status, elsewhere = _ask_once(parts, "GET", way)
        if status == 407 and way.proxy:
            raise unaccepted(way.proxy)
        if not (300 <= status < 400 and elsewhere):
            return status
        target = urlsplit(urljoin(address, elsewhere))
        if target.scheme not in DEFAULT_PORTS or not target.hostname:
            return status
        address = target.geturl()
    return status


def _ask_once(parts: SplitResult, method: str, way: Way) -> tuple[int, str | None]:
    host, port = parts.hostname or "", parts.port or DEFAULT_PORTS[parts.scheme]
    headers = dict(_AGENT)
    account = credentials(parts) or credentials_of_netrc(host, environ=way.environ)
    if account:
        headers["Authorization"] = account
    target = parts._replace(scheme="", netloc="", fragment="").geturl() or "/"
    if way.proxy is not None and parts.scheme == "http":
        target = plain(parts)._replace(fragment="").geturl()
        if account := credentials(urlsplit(way.proxy)):
            headers["Proxy-Authorization"] = account
    with contextlib.ExitStack() as closing:

        def dial() -> socket.socket:
            return closing.enter_context(_opened(parts, host, port, way))

        sock = dial()
        if way.proxy is not None and proxy_place(way.proxy)[0] != "http":
            return 200, None  # the rest of the way is beyond the standard library
        if parts.scheme == "https":
            sock = closing.enter_context(secured(sock, host, port, way, dial=dial))
        return _answer(sock, method, target, headers, host, port, way)


def _opened(parts: SplitResult, host: str, port: int, way: Way) -> socket.socket:
    """Return a connection that ends at the host, or at a proxy that speaks for it. Raises: Unreached."""
    if way.proxy is None:
        return connected(host, port, way)
    sock = connected_to_proxy(way.proxy, way)
    try:
        if proxy_place(way.proxy)[0] == "http" and parts.scheme == "https":
            tunnel(sock, host, port, way)
    except BaseException:
        sock.close()
        raise
    return sock


def _answer(
    stream: socket.socket,
    method: str,
    target: str,
    headers: Mapping[str, str],
    host: str,
    port: int,
    way: Way,
) -> tuple[int, str | None]:
    way.say("waiting for an answer")
    connection = http.client.HTTPConnection(host, port)
    connection.sock = stream
    try:
        stream.settimeout(way.left())
        connection.request(method, target, headers=dict(headers))
        response = connection.getresponse()
        return response.status, response.headers.get("Location")
    except TimeoutError:
        raise Unreached("timeout", "connected, but no answer came") from None
    except (http.client.HTTPException, OSError, ValueError) as error:
        raise Unreached("failed", f"no HTTP answer: {words_of(error)}", cause="no HTTP") from None
    finally:
        connection.close()
