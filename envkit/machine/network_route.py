"""The way to an address: which proxy, which name and password, and what is asked for there."""

from __future__ import annotations

import base64
import ipaddress
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, unquote, urlsplit

if TYPE_CHECKING:
    from collections.abc import Mapping

DEFAULT_PORTS = {"http": 80, "https": 443}
_PROXY_PORTS = {"http": 80, "https": 443, "socks": 1080}


def choose_proxy(parts: SplitResult, *, environ: Mapping[str, str], of_pip: str | None) -> str | None:
    """Return the proxy on the way to an address, None for the straight way.

    ``of_pip`` is the one that pip's configuration names; envkit hands it to uv as the variables, so that
    NO_PROXY counts for it too. Capital letters beat small ones, as in uv.
    """
    excepted = environ.get("NO_PROXY") or environ.get("no_proxy") or ""
    if is_excepted(parts.hostname or "", parts.port or DEFAULT_PORTS.get(parts.scheme, 0), excepted):
        return None
    names = (f"{parts.scheme}_proxy", "all_proxy")
    said = (environ.get(form) for name in names for form in (name.upper(), name))
    proxy = of_pip or next(filter(None, said), None)
    if not proxy:
        return None
    return proxy if "://" in proxy else f"http://{proxy}"


def is_excepted(host: str, port: int, excepted: str) -> bool:
    """Tell whether NO_PROXY names a host: by its name, an ending of it, its address or a network of addresses."""
    host = host.rstrip(".").lower()
    return any(_is_named(host, port, each.strip().lower()) for each in excepted.split(","))


def _is_named(host: str, port: int, entry: str) -> bool:
    if entry == "*":
        return True
    try:
        number = ipaddress.ip_address(host)
    except ValueError:
        name, _, its_port = entry.partition(":")
        name = name.removeprefix("*").lstrip(".")
        return bool(name) and (not its_port or its_port == str(port)) and f".{host}".endswith(f".{name}")
    try:
        return number in ipaddress.ip_network(entry, strict=False)
    except ValueError:
        return entry in (f"{host}:{port}", f"[{host}]:{port}")


def proxy_place(proxy: str) -> tuple[str, str, int]:
    """Return scheme, host and port of a proxy. Raises: ValueError for what is no address."""
    parts = urlsplit(proxy)
    if not parts.hostname:
        raise ValueError("it names no host")
    try:
        port = parts.port
    except ValueError:
        raise ValueError("its port is no number up to 65535") from None
    scheme = "socks" if parts.scheme.startswith("socks") else parts.scheme
    if scheme not in _PROXY_PORTS:
        raise ValueError(f"no kind of proxy is called {parts.scheme}")
    return scheme, parts.hostname, port or _PROXY_PORTS[scheme]


def credentials(parts: SplitResult) -> str | None:
    """Return what an address's own user and password are sent as, None where it has none."""
    if parts.username is None:
        return None
    return _basic(unquote(parts.username), unquote(parts.password or ""))


def credentials_of_netrc(host: str, *, environ: Mapping[str, str]) -> str | None:
    """Return what ``.netrc`` has for a host; a file that cannot be read has nothing, as in pip."""
    from netrc import NetrcParseError, netrc

    file = Path(environ.get("NETRC") or Path(environ.get("HOME") or Path.home()) / ".netrc")
    try:
        found = netrc(file).authenticators(host)
    except (OSError, NetrcParseError, UnicodeDecodeError):
        return None
    return None if found is None else _basic(found[0], found[2] or "")


def _basic(user: str, password: str) -> str:
    return f"Basic {base64.b64encode(f'{user}:{password}'.encode()).decode()}"


def plain(parts: SplitResult) -> SplitResult:
    """Return an address without user and password."""
    return parts._replace(netloc=parts.netloc.rpartition("@")[2])
