"""The part of the way that a proxy goes. Sources: RFC 9110, 9.3.6 (CONNECT) and 11.7 (its passwords)."""

from __future__ import annotations

import http.client
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from envkit.machine.network_route import credentials, proxy_place
from envkit.machine.network_tls import secured
from envkit.machine.network_way import Unreached, connected, words_of
from envkit.masking import mask_address

if TYPE_CHECKING:
    import socket

    from envkit.machine.network_way import Way


def connected_to_proxy(proxy: str, way: Way) -> socket.socket:
    """Return a connection to the proxy, secured where its address is https. Raises: Unreached."""
    shown = mask_address(proxy)
    try:
        scheme, host, port = proxy_place(proxy)
    except ValueError as error:
        raise Unreached("proxy", f"{shown} is no address of a proxy: {error}", cause="no address") from None
    try:
        sock = connected(host, port, way)
    except Unreached as error:
        detail = f"the proxy {shown} cannot be reached: {error.detail}"
        raise Unreached("proxy", detail, cause="unreachable") from None
    if scheme != "https":
        return sock
    try:
        return secured(sock, host, port, way, dial=lambda: connected(host, port, way))
    except Unreached as error:
        sock.close()
        cause = "no TLS" if error.cause == "no TLS" else "certificate"
        raise Unreached("proxy", f"the proxy {shown}: {error.detail}", cause=cause) from None


def tunnel(sock: socket.socket, host: str, port: int, way: Way) -> None:
    """Have the proxy connect to the host. Raises: Unreached."""
    proxy = way.proxy or ""
    shown = mask_address(proxy)
    place = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    account = credentials(urlsplit(proxy))
    lines = [f"CONNECT {place} HTTP/1.1", f"Host: {place}", "User-Agent: envkit"]
    lines += [f"Proxy-Authorization: {account}"] if account else []
    way.say(f"waiting for the proxy {shown}")
    try:
        sock.settimeout(way.left())
        sock.sendall("\r\n".join([*lines, "", ""]).encode())
        with http.client.HTTPResponse(sock, method="CONNECT") as response:
            response.begin()
            status, reason = response.status, response.reason
    except TimeoutError:
        raise Unreached(
            "proxy", f"the proxy {shown} takes calls and says nothing", cause="unreachable"
        ) from None
    except (http.client.HTTPException, OSError, ValueError) as error:
        raise Unreached(
            "proxy", f"the proxy {shown} gives no HTTP answer: {words_of(error)}", cause="no HTTP"
        ) from None
    if status == 407:
        raise unaccepted(proxy)
    if status >= 500:
        raise Unreached(
            "proxy",
            f"the proxy {shown} cannot reach {host} ({status} {reason})",
            cause="no way",
            status=status,
        )
    if status != 200:
        raise Unreached(
            "proxy", f"the proxy {shown} refuses the way to {host} ({status} {reason})",
            cause="refused", status=status,
        )  # fmt: skip


def unaccepted(proxy: str) -> Unreached:
    """Return the error for a proxy that answers 407."""
    has_one = urlsplit(proxy).username is not None
    wants = "refuses this user and password" if has_one else "wants a user and a password"
    return Unreached("proxy", f"the proxy {mask_address(proxy)} {wants} (407)", cause="password", status=407)
