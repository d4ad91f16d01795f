"""Where engines listen on a machine, whose sockets these are, and which of them answer."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from envkit.api.facts import DeviceFile
from envkit.docker_endpoint import DOCKER_SOCKET, ROOT_PODMAN_SOCKET, Endpoint
from envkit.machine.devices import read_device_files
from envkit.machine.docker_calls import EngineSilent, call_engine
from envkit.machine.docker_client import context_sockets
from envkit.machine.files import Files
from envkit.machine.time_limit import call_each

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

# All are asked at once: an engine that answers does so in a few milliseconds, on a machine that is busy in more.
_SECONDS = 1.0
# Docker Desktop on macOS and on Linux, Colima's two places, Rancher Desktop, OrbStack, Lima, Podman's machine.
_IN_HOME = (
    ".docker/run/docker.sock",
    ".docker/desktop/docker.sock",
    ".colima/default/docker.sock",
    ".config/colima/default/docker.sock",
    ".rd/docker.sock",
    ".orbstack/run/docker.sock",
    ".lima/docker/sock/docker.sock",
    ".local/share/containers/podman/machine/podman.sock",
)


def describe_socket(path: Path) -> DeviceFile | None:
    """Return whose a socket is and whether this user may speak through it; None where there is no file."""
    system = Files(Path("/"))  # the path is one that a user named, whatever root the kernel's files have
    try:
        found = read_device_files(system, (str(path),))
    except ValueError:  # a null byte
        return None
    if found:
        return found[0]
    return DeviceFile(path=str(path), is_usable=False) if system.unread else None  # in a closed folder


def answering_sockets(files: Files, *, environ: Mapping[str, str], without: Path | None) -> tuple[str, ...]:
    """Return the sockets but one behind which an engine answers."""
    seen = {os.path.realpath(without)} if without else set()
    others = []
    for path in _usual_sockets(files, environ):
        real = os.path.realpath(path)
        if real not in seen and os.path.lexists(path):
            seen.add(real)
            others.append(f"unix://{path}")
    answers = call_each([partial(_answers, address) for address in others], seconds=_SECONDS)
    return tuple(address for address, answer in zip(others, answers, strict=True) if answer is True)


def _answers(address: str) -> bool:
    try:
        call_engine(Endpoint(address=address, source="a usual place"), "/_ping", seconds=_SECONDS)
    except EngineSilent:
        return False
    return True


def runtime_dir(files: Files, environ: Mapping[str, str]) -> Path:
    """Return the folder of this user's sockets."""
    return Path(environ.get("XDG_RUNTIME_DIR") or files.locate(f"/run/user/{os.getuid()}"))


def _usual_sockets(files: Files, environ: Mapping[str, str]) -> Iterator[Path]:
    home, runtime = Path(environ.get("HOME") or Path.home()), runtime_dir(files, environ)
    yield Path(files.locate(str(DOCKER_SOCKET)))
    yield from (runtime / "docker.sock", runtime / "podman" / "podman.sock")
    yield from (home / each for each in _IN_HOME)
    yield Path(files.locate(str(ROOT_PODMAN_SOCKET)))
    yield from context_sockets(environ)
