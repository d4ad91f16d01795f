"""How rattler reaches servers: its client, from the settings of a job. Runs in the process that uses rattler."""

from __future__ import annotations

import contextlib
import json
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from rattler.networking.client import Client
    from rattler.repo_data.gateway import Gateway

    from envkit.environments.conda.jobs import ChannelSource, Network

_TIMEOUT_SECONDS = 120
_RETRIES = 3


def make_client(network: Network, channels: Sequence[ChannelSource]) -> Client:
    """Return what downloads: with proxies, certificates and, for channels that have them, passwords."""
    from rattler.config import Config
    from rattler.networking.client import Client

    users, mirrors = _accounts(channels), {}
    for channel in channels:
        places = [place for place in map(_without_user, channel.mirrors) if place != channel.url.rstrip("/")]
        if places:
            mirrors[channel.url.rstrip("/")] = places
    table = "".join(f"{json.dumps(url)} = {json.dumps(places)}\n" for url, places in mirrors.items())
    settings = network.settings
    with contextlib.ExitStack() as files:
        if users:
            import tempfile  # few channels ask for passwords

            # It has no name, so no password is left on a disk.
            accounts = files.enter_context(tempfile.TemporaryFile())
            accounts.write(json.dumps(users).encode())
            accounts.flush()
            accounts.seek(0)
            settings = f'authentication-override-file = "/dev/fd/{accounts.fileno()}"\n{settings}'
        config = Config.from_toml(f"{settings}\n[mirrors]\n{table}")
        return Client.from_config(config, max_retries=_RETRIES, timeout=_TIMEOUT_SECONDS, user_agent="envkit")


def _accounts(channels: Sequence[ChannelSource]) -> dict[str, dict[str, dict[str, str]]]:
    """Return users and passwords by host, as rattler keeps them: one a host."""
    found: dict[str, dict[str, dict[str, str]]] = {}
    for place in (place for channel in channels for place in channel.mirrors):
        parts = urlsplit(place)
        if parts.username is not None and parts.hostname:
            user = {"username": unquote(parts.username), "password": unquote(parts.password or "")}
            found.setdefault(parts.hostname, {"BasicHTTP": user})
    return found


def _without_user(url: str) -> str:
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


def make_gateway(network: Network, *, client: Client, cache_dir: Path) -> Gateway:
    """Return what reads the indexes of channels; offline, those that were read before."""
    from rattler.repo_data.gateway import Gateway, SourceConfig

    config = SourceConfig(cache_action="force-cache-only" if network.is_offline else "cache-or-fetch")
    return Gateway(cache_dir=cache_dir / "indexes", default_config=config, client=client)
