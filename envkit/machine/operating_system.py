"""Probe the operating system: name, kernel, C library, WSL, container."""

from __future__ import annotations

import os
import platform
import shlex
from typing import TYPE_CHECKING

from envkit.api.facts import Platform

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from envkit.machine.files import Files

_CONTAINER_FILES = ("/.dockerenv", "/run/.containerenv")
_CONTAINER_VARIABLES = ("container", "KUBERNETES_SERVICE_HOST")
_CONTAINER_GROUPS = ("docker", "kubepods", "containerd", "lxc", "libpod")


def read_platform(
    files: Files,
    *,
    environ: Mapping[str, str],
    uname: Callable[[], platform.uname_result] = platform.uname,
) -> Platform:
    """Return what the system says of itself, without starting a process."""
    host = uname()
    system = host.system.lower()
    if system == "linux":
        return _read_linux(files, environ, host.machine, host.release)
    mac_version = platform.mac_ver()[0]
    return Platform(
        system=system,
        machine=host.machine if system == "darwin" else host.machine.lower(),
        kernel=host.release,
        os_name="macOS" if system == "darwin" else host.system,
        os_version=mac_version or host.version,
    )


def _read_linux(files: Files, environ: Mapping[str, str], machine: str, release: str) -> Platform:
    kernel = (files.text("/proc/sys/kernel/osrelease") or release).strip()
    names = _read_release(files)
    libc, libc_version = _read_libc(files)
    return Platform(
        system="linux",
        machine=machine,
        kernel=kernel,
        os_name=names.get("PRETTY_NAME") or names.get("NAME"),
        os_version=names.get("VERSION_ID"),
        libc=libc,
        libc_version=libc_version,
        is_wsl="microsoft" in kernel.lower(),
        is_container=_is_container(files, environ),
        is_jetson=_is_jetson(files),
    )


def _read_release(files: Files) -> dict[str, str]:
    text = files.text("/etc/os-release") or files.text("/usr/lib/os-release") or ""
    values: dict[str, str] = {}
    for line in text.splitlines():
        key, equals, value = line.partition("=")
        if equals and not key.startswith("#"):
            try:
                values[key.strip()] = "".join(shlex.split(value))
            except ValueError:  # an open quote
                values[key.strip()] = value.strip().strip("\"'")
    if not values:
        files.note("operating system", "there is no readable os-release")
    return values


def _read_libc(files: Files) -> tuple[str | None, str | None]:
    try:
        name, _, version = (os.confstr("CS_GNU_LIBC_VERSION") or "").partition(" ")
    except (AttributeError, ValueError, OSError):  # the name is glibc's own
        name, version = "", ""
    if name == "glibc":
        return name, version
    if any(entry.startswith("ld-musl-") for entry in files.names("/lib")):
        return "musl", None
    files.note("C library", "it is neither glibc nor musl")
    return None, None


def _is_container(files: Files, environ: Mapping[str, str]) -> bool:
    if any(files.exists(path) for path in _CONTAINER_FILES):
        return True
    if any(environ.get(name) for name in _CONTAINER_VARIABLES):
        return True
    groups = files.text("/proc/1/cgroup") or ""
    return any(word in groups for word in _CONTAINER_GROUPS)


def _is_jetson(files: Files) -> bool:
    # The first is the mark of NVIDIA's own system, the second of the board, whatever runs on it.
    model = files.text("/proc/device-tree/model", limit=256) or ""
    return files.exists("/etc/nv_tegra_release") or "jetson" in model.lower()
