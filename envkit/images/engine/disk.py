"""Where an engine keeps what it has, and what to say when the disk under it is full."""

from __future__ import annotations

import os
import re
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from envkit.api import ImageError
from envkit.environments.records import format_size

if TYPE_CHECKING:
    from collections.abc import Mapping

_FULL = re.compile(r"no space left on device|disk quota exceeded", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class EngineDisk:
    """The folder of an engine's images and layers, empty where it says none.

    ``is_here`` tells that it is a folder of this machine, and not of another or a virtual one.
    """

    folder: str = ""
    is_here: bool = False
    is_podman: bool = False

    def free(self) -> int | None:
        """Return the bytes that are free there now, None where this machine cannot tell."""
        if not self.folder or not self.is_here:
            return None
        try:
            return shutil.disk_usage(self.folder).free
        except OSError:
            return None


def engine_disk(
    info: Mapping[str, Any], *, version: Mapping[str, Any], has_socket: bool, is_podman: bool
) -> EngineDisk:
    """Return the disk of an engine by its own words; one in a virtual machine has another kernel than this one."""
    kernel = version.get("KernelVersion") or info.get("KernelVersion")
    return EngineDisk(
        folder=str(info.get("DockerRootDir") or ""),
        is_here=has_socket and kernel in (None, os.uname().release),
        is_podman=is_podman,
    )


def explain_full_disk(words: str, *, doing: str, disk: EngineDisk | None = None) -> ImageError | None:
    """Return the error for an engine with no disk left, None for another one."""
    if not _FULL.search(words):
        return None
    disk = disk or EngineDisk()
    path = re.search(r"(/[\w./+-]+): (?:no space|disk quota)", words)
    said = f"the disk is full: the engine could not {doing}{f' (writing {path[1]})' if path else ''}"
    if disk.folder:
        free = disk.free()
        left = "" if free is None else f", where {format_size(free)} are free now"
        said += f". It keeps images in {disk.folder}{left}"
    look, prune = "docker system df", "docker builder prune, docker image prune"
    if disk.is_podman:
        look, prune = "podman system df", "podman system prune"
    return ImageError(said, hint=f"See what takes it: {look}. Free some: {prune}")
