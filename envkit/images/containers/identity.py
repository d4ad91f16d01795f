"""Whose a run in a container is, and which share of the machine it has: those of the person, as outside.

Sources: Docker, "Rootless mode", "Isolate containers with a user namespace"; podman-run(1), ``--userns``.
"""

from __future__ import annotations

import getpass
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from envkit.images.engine.engine import Engine

_SHARED_MEMORY = Path("/dev/shm")  # not a file of ours: asked how large it is
_USUAL_SHARED_MEMORY = 1 << 30


@dataclass(frozen=True, kw_only=True)
class Person:
    """Who runs envkit: numbers and name."""

    user_id: int
    group_id: int
    groups: tuple[int, ...] = ()
    name: str = "envkit"


@dataclass(frozen=True, kw_only=True)
class Identity:
    """What a container's process runs as: ``user`` as ``uid:gid``, numbers of its own user namespace."""

    user: str
    groups: tuple[str, ...] = ()
    userns: Literal["", "host", "keep-id"] = ""
    capabilities: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Share:
    """What a container has of the machine: ``cores`` as ``0-3,8``, empty for all; ``shared_memory`` in bytes."""

    cores: str
    shared_memory: int


def read_person() -> Person:
    """Return who runs this process."""
    try:
        name = getpass.getuser()
    except (KeyError, OSError):  # a number without a name, as in a container
        name = "envkit"
    return Person(
        user_id=os.getuid(), group_id=os.getgid(), groups=tuple(sorted(set(os.getgroups()))), name=name
    )


def choose_identity(person: Person, *, engine: Engine, info: Mapping[str, Any]) -> Identity:
    """Return the user of a container whose files are to be the person's."""
    options = " ".join(info.get("SecurityOptions") or ())
    own = f"{person.user_id}:{person.group_id}"
    if engine.is_rootless and engine.kind == "podman":
        return Identity(user=own, userns="keep-id")
    if engine.is_rootless:
        return Identity(user="0:0")  # in its user namespace, root is the person
    return Identity(
        user=own,
        groups=tuple(str(group) for group in person.groups if group != person.group_id),
        userns="host" if "name=userns" in options else "",
        # Outside, root reads and writes whatever it is given, whoever owns it.
        capabilities=("DAC_OVERRIDE",) if person.user_id == 0 else (),
    )


def choose_share(info: Mapping[str, Any]) -> Share:
    """Return the cores that this process may use, and as much shared memory as there is here.

    The number of threads that torch computes with, and so the sums, follow from the cores.
    """
    return Share(cores=_allowed_cores(info), shared_memory=_shared_memory())


def write_cores(cores: set[int]) -> str:
    """Return numbers as a list of ranges, ``0-3,8``."""
    ranges: list[list[int]] = []
    for core in sorted(cores):
        if ranges and core == ranges[-1][1] + 1:
            ranges[-1][1] = core
        else:
            ranges.append([core, core])
    return ",".join(f"{first}" if first == last else f"{first}-{last}" for first, last in ranges)


def _allowed_cores(info: Mapping[str, Any]) -> str:
    if not hasattr(os, "sched_getaffinity") or info.get("CPUSet") is False:  # macOS; rootless without cgroups
        return ""
    allowed = os.sched_getaffinity(0)
    return "" if len(allowed) >= int(info.get("NCPU") or 0) else write_cores(allowed)


def _shared_memory() -> int:
    try:
        found = os.statvfs(_SHARED_MEMORY)
    except OSError:
        return _USUAL_SHARED_MEMORY
    return max(found.f_frsize * found.f_blocks, _USUAL_SHARED_MEMORY)
