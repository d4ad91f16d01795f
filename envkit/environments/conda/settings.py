"""conda's settings and envkit's own, put together for one job: channels, network, caches."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from envkit.api import EnvError
from envkit.environments.conda.channels import DEFAULT_CHANNELS, channel_sources
from envkit.environments.conda.condarc import read_condarc
from envkit.environments.conda.jobs import Network

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from envkit.api import BackendContext
    from envkit.environments.conda.condarc import Condarc
    from envkit.environments.conda.jobs import ChannelSource


@dataclass(frozen=True, kw_only=True)
class CondaSettings:
    """What a job needs to know; ``packages_dir`` holds packages, unpacked, for all prefixes."""

    condarc: Condarc
    channels: tuple[ChannelSource, ...]
    network: Network
    packages_dir: Path


def conda_settings(
    context: BackendContext,
    *,
    channels: Sequence[str] = (),
    root: Path = Path("/"),
    folder: Path | None = None,
) -> CondaSettings:
    """Read the settings. Of channels, those asked for count, else envkit's, else conda's, else conda-forge.

    Raises: EnvError for settings that cannot be read or used.
    """
    condarc = read_condarc(context.environ, root=root)
    names = tuple(channels) or context.channels or condarc.channels or DEFAULT_CHANNELS
    return CondaSettings(
        condarc=condarc,
        channels=channel_sources(
            names, condarc=condarc, alias=context.channel_alias, folder=folder or Path.cwd()
        ),
        network=_network(condarc, context.environ),
        packages_dir=_packages_dir(condarc, context),
    )


def _network(condarc: Condarc, environ: Mapping[str, str]) -> Network:
    variables: dict[str, str] = {}
    settings: dict[str, object] = {}
    bundle = condarc.ssl_verify if isinstance(condarc.ssl_verify, str) else ""
    if condarc.ssl_verify is False:
        settings["tls-no-verify"] = True
    elif not bundle and not (environ.get("SSL_CERT_FILE") or environ.get("SSL_CERT_DIR")):
        # conda downloads with requests, which reads these two.
        bundle = environ.get("REQUESTS_CA_BUNDLE") or environ.get("CURL_CA_BUNDLE") or ""
    if bundle and bundle.lower() != "truststore":
        path = Path(bundle).expanduser()
        if not path.exists():
            raise EnvError(
                f"there is no {path}, the certificates that conda's settings name",
                hint="Mend ssl_verify in .condarc (or REQUESTS_CA_BUNDLE)",
            )
        variables["SSL_CERT_DIR" if path.is_dir() else "SSL_CERT_FILE"] = str(path)
    if bundle or environ.get("SSL_CERT_FILE") or environ.get("SSL_CERT_DIR"):
        settings["tls-root-certs"] = "system"  # which those variables stand in for
    lines = [f"{name} = {json.dumps(value)}" for name, value in settings.items()]
    servers = condarc.proxy_servers
    configured = {name: servers.get(name) or servers.get("all") for name in ("http", "https")}
    if any(configured.values()):
        lines.append("[proxy-config]")
        lines += [f"{name} = {json.dumps(place)}" for name, place in configured.items() if place]
        if excepted := environ.get("NO_PROXY") or environ.get("no_proxy"):
            lines.append(f"non-proxy-hosts = {json.dumps([each.strip() for each in excepted.split(',')])}")
    everything = environ.get("ALL_PROXY") or environ.get("all_proxy")
    proxies = {
        name: configured[name]
        or environ.get(f"{name.upper()}_PROXY")
        or environ.get(f"{name}_proxy")
        or everything
        for name in configured
    }
    return Network(
        settings="\n".join(lines) + "\n",
        variables=variables,
        proxies={name: place for name, place in proxies.items() if place},
        is_offline=condarc.offline,
    )


def _packages_dir(condarc: Condarc, context: BackendContext) -> Path:
    """Return the first of conda's own caches that can be written, else envkit's."""
    for text in condarc.pkgs_dirs:
        folder = Path(text).expanduser()
        existing = next(each for each in (folder, *folder.parents) if each.exists())
        if folder.is_absolute() and existing.is_dir() and os.access(existing, os.W_OK):
            return folder
    return context.cache_dir / "packages"
