"""Read docker's own files of a user: contexts, and where its plugin for BuildKit lies.

Sources: docker/cli, cli/context/store and cli-plugins/manager.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from envkit.docker_endpoint import docker_config_dir

if TYPE_CHECKING:
    from collections.abc import Mapping

    from envkit.machine.files import Files

_DEFAULT = "default"
_PLUGIN_DIRS = (
    "/usr/local/lib/docker/cli-plugins",
    "/usr/local/libexec/docker/cli-plugins",
    "/usr/lib/docker/cli-plugins",
    "/usr/libexec/docker/cli-plugins",
)
_BUILDX = "docker-buildx"


def current_context(environ: Mapping[str, str]) -> str | None:
    """Return the context that DOCKER_CONTEXT or the configuration names; None where that cannot be read."""
    if named := environ.get("DOCKER_CONTEXT"):
        return named
    configuration = _read(docker_config_dir(environ) / "config.json")
    if configuration is None:
        return None
    name = configuration.get("currentContext")
    return name if isinstance(name, str) and name else _DEFAULT


def list_contexts(environ: Mapping[str, str]) -> tuple[str, ...]:
    """Return the names of the contexts that there are; ``default`` always is."""
    return (_DEFAULT, *sorted(_contexts(environ)))


def has_context(environ: Mapping[str, str], name: str) -> bool:
    """Tell whether there is a context of this name, be it one that cannot be read."""
    from hashlib import sha256  # OpenSSL is slow to load, and only a context that is named needs it

    place = sha256(name.encode("utf-8", "surrogateescape")).hexdigest()
    return name == _DEFAULT or (_contexts_dir(environ) / place).exists()


def context_sockets(environ: Mapping[str, str]) -> list[Path]:
    """Return the sockets of this machine that contexts name."""
    hosts = (_host(meta) for meta in _contexts(environ).values())
    return [Path(host.removeprefix("unix://")) for host in hosts if host.startswith("unix:///")]


def find_buildx(files: Files, *, environ: Mapping[str, str]) -> str | None:
    """Return the file of docker's plugin for BuildKit, None where there is none."""
    folder = docker_config_dir(environ)
    more = (_read(folder / "config.json") or {}).get("cliPluginsExtraDirs")
    own = [str(each) for each in more] if isinstance(more, list) else []
    for place in (*own, str(folder / "cli-plugins"), *(files.locate(each) for each in _PLUGIN_DIRS)):
        file = os.path.join(place, _BUILDX)  # noqa: PTH118  # of what a user wrote
        if os.path.isfile(file) and os.access(file, os.X_OK):  # noqa: PTH113
            return file
    return None


def _contexts(environ: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    folder = _contexts_dir(environ)
    try:
        places = sorted(os.listdir(folder))  # noqa: PTH208
    except OSError:
        return {}
    read = (_read(folder / place / "meta.json") or {} for place in places)
    return {meta["Name"]: meta for meta in read if isinstance(meta.get("Name"), str)}


def _contexts_dir(environ: Mapping[str, str]) -> Path:
    return docker_config_dir(environ) / "contexts" / "meta"


def _host(meta: Mapping[str, Any]) -> str:
    endpoints = meta.get("Endpoints")
    endpoint = endpoints.get("docker") if isinstance(endpoints, dict) else None
    host = endpoint.get("Host") if isinstance(endpoint, dict) else None
    return host if isinstance(host, str) else ""


def _read(file: Path) -> dict[str, Any] | None:
    """Return what a file of JSON says, nothing for one that is missing, None for one that is broken."""
    try:
        return msgspec.json.decode(file.read_bytes(), type=dict[str, Any])
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except (OSError, msgspec.DecodeError, RecursionError):
        return None
