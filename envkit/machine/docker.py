"""Probe the container engine that the docker command here would speak to. No process is started."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from envkit.api import ImageError
from envkit.api.facts import Docker
from envkit.docker_endpoint import DOCKER_SOCKET, ROOT_PODMAN_SOCKET, Endpoint, find_endpoint
from envkit.machine.docker_calls import ANSWER_SECONDS, EngineSilent, ask_engine
from envkit.machine.docker_client import current_context, find_buildx, has_context, list_contexts
from envkit.machine.docker_devices import read_cdi_devices
from envkit.machine.docker_sockets import answering_sockets, describe_socket, runtime_dir
from envkit.masking import mask_secrets

if TYPE_CHECKING:
    from collections.abc import Mapping

    from envkit.machine.files import Files

_SNAP = "/var/snap/docker"
_SNAP_PROGRAMS = "/snap/bin/"
# Until this release docker's command brought BuildKit itself; since then the plugin buildx does.
_BUILDX_SINCE = 23


def read_docker(
    files: Files, *, environ: Mapping[str, str], asks_network: bool = False, seconds: float = ANSWER_SECONDS
) -> Docker:
    """Return the engine's state and what it tells of itself; what it does not answer is noted.

    ``context`` is the one that is configured, which DOCKER_HOST, as ``endpoint_source``, goes before. An
    engine on TCP is asked where ``asks_network`` is true, one behind SSH never, as that needs a process.
    Each of two calls may take ``seconds``, and other sockets are looked at for one more.
    """
    search = environ.get("PATH", "")
    command = shutil.which("docker", path=search)
    podman = shutil.which("podman", path=search)
    known = Docker(
        command=command or podman,
        context=current_context(environ),
        contexts=list_contexts(environ),
        kind="podman" if podman and not command else None,
        buildx=find_buildx(files, environ=environ),
        is_snap=_SNAP_PROGRAMS in (command or ""),
    )
    try:
        endpoint = _find_endpoint(files, environ)
    except ImageError as error:
        return _without_endpoint(files, known, environ, error.message)
    except OSError as error:  # a folder of configuration that is closed to this user
        return _without_endpoint(files, known, environ, f"{error.filename}: {error.strerror or error}")
    known = replace(
        known,
        endpoint=mask_secrets(endpoint.address),
        endpoint_source=endpoint.source,
        socket=describe_socket(endpoint.socket) if endpoint.socket else None,
    )
    if endpoint.socket is None:
        why = _why_not_asked(endpoint, asks_network=asks_network)
        if why is not None:
            return replace(known, state="not asked", why=why)
    try:
        version = ask_engine(endpoint, "/version", seconds=seconds)
    except EngineSilent as silence:
        is_absent = silence.state == "stopped" and endpoint.is_default and known.command is None
        others = answering_sockets(files, environ=environ, without=endpoint.socket)
        if is_absent and known.socket is None:
            return replace(
                known, state="absent", why="neither docker's command nor its socket is here", others=others
            )
        return replace(known, state=silence.state, why=silence.why, others=others)
    return _running(files, known, endpoint, version, seconds=seconds)


def _find_endpoint(files: Files, environ: Mapping[str, str]) -> Endpoint:
    return find_endpoint(
        environ,
        docker_socket=Path(files.locate(str(DOCKER_SOCKET))),
        podman_sockets=(
            runtime_dir(files, environ) / "podman" / "podman.sock",
            Path(files.locate(str(ROOT_PODMAN_SOCKET))),
        ),
    )


def _without_endpoint(files: Files, known: Docker, environ: Mapping[str, str], why: str) -> Docker:
    is_missing = (
        not environ.get("DOCKER_HOST")
        and known.context is not None
        and not has_context(environ, known.context)
    )
    others = answering_sockets(files, environ=environ, without=None)
    return replace(known, state="no such context" if is_missing else "broken", why=why, others=others)


def _why_not_asked(endpoint: Endpoint, *, asks_network: bool) -> str | None:
    scheme = endpoint.address.partition("://")[0]
    if scheme == "ssh":
        return "it is behind SSH, which only the docker command itself speaks"
    if scheme not in ("tcp", "http", "https"):
        return f"it is at {scheme}://, which envkit does not speak"
    return None if asks_network else "it is across the network"


def _running(
    files: Files, known: Docker, endpoint: Endpoint, version: Mapping[str, Any], *, seconds: float
) -> Docker:
    try:
        info = ask_engine(endpoint, "/info", seconds=seconds)
    except EngineSilent as silence:
        files.note("docker info", silence.why)
        info = {}
    parts = [each for each in _list(version, "Components") if isinstance(each, dict)]
    is_podman = any("podman" in (_text(each, "Name") or "").lower() for each in parts)
    known = replace(known, kind="podman" if is_podman else "docker")
    system, processor = _text(version, "Os"), _text(version, "Arch")
    root_dir = _text(info, "DockerRootDir")
    is_local = endpoint.socket is not None and _text(version, "KernelVersion") in (None, os.uname().release)
    return replace(
        known,
        state="running",
        version=_text(version, "Version"),
        api_version=_text(version, "ApiVersion"),
        platform=f"{system}/{processor}" if system and processor else None,
        root_dir=root_dir,
        root_free=_free(files, root_dir) if root_dir and is_local else None,
        storage_driver=_text(info, "Driver"),
        cgroup_driver=_text(info, "CgroupDriver"),
        is_rootless=any(str(each).startswith("name=rootless") for each in _list(info, "SecurityOptions")),
        is_snap=known.is_snap or (root_dir or "").startswith(_SNAP),
        runtimes=tuple(sorted(_object(info, "Runtimes"))),
        cdi_devices=_cdi_devices(files, info, is_podman=is_podman, is_local=is_local),
        has_buildkit=_has_buildkit(known, version, system),
    )


def _free(files: Files, root_dir: str) -> int | None:
    """Return what is free in the engine's folder; an engine in a machine of its own has it there, not here."""
    try:
        size = os.statvfs(files.locate(root_dir))
    except (OSError, ValueError):
        return None
    return size.f_bavail * size.f_frsize


def _cdi_devices(
    files: Files, info: Mapping[str, Any], *, is_podman: bool, is_local: bool
) -> tuple[str, ...]:
    """Return the devices that can be asked for by CDI names, as ``nvidia.com/gpu=0``.

    Docker lists them itself since 28.2; before, and in Podman, they stand in files that are read here.
    """
    told = [each for each in _list(info, "DiscoveredDevices") if isinstance(each, dict)]
    if told:
        names = {_text(each, "ID") for each in told if _text(each, "Source") in ("cdi", None)}
        return tuple(sorted(name for name in names if name))
    folders = ("/etc/cdi", "/var/run/cdi") if is_podman else _list(info, "CDISpecDirs")
    return read_cdi_devices(files, [str(each) for each in folders]) if is_local else ()


def _has_buildkit(known: Docker, version: Mapping[str, Any], system: str | None) -> bool | None:
    """Tell whether BuildKit can build here; None where only docker's command itself could tell."""
    if known.kind == "podman" or system == "windows":
        return False
    if known.buildx is not None:
        return True
    if known.command is None:
        return False
    major = (_text(version, "Version") or "").partition(".")[0]
    return None if not major.isdecimal() or int(major) < _BUILDX_SINCE else False


def _text(record: Mapping[str, Any], name: str) -> str | None:
    value = record.get(name)
    return value if isinstance(value, str) and value else None


def _list(record: Mapping[str, Any], name: str) -> list[Any]:
    value = record.get(name)
    return value if isinstance(value, list) else []


def _object(record: Mapping[str, Any], name: str) -> dict[str, Any]:
    value = record.get(name)
    return value if isinstance(value, dict) else {}
