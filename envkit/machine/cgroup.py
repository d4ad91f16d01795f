"""The limits of the control groups that this process runs in, version 1 and version 2.

Source: the kernel's cgroup-v2.rst and cgroup-v1/memory.rst. A limit of any ancestor holds, so the smallest
on the way up counts; in a container the way up may end before the path that /proc/self/cgroup names.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from envkit.machine.files import Files

_MOUNT = "/sys/fs/cgroup"
# Version 1 says "no limit" with the largest number of whole pages.
_NO_LIMIT = 1 << 60


@dataclass(frozen=True, kw_only=True)
class Limits:
    """The smallest limits: memory in bytes, processor time in cores; None where there is none."""

    memory: int | None
    cores: float | None


def read_limits(files: Files) -> Limits:
    """Return the limits of this process's control groups."""
    memory: list[int] = []
    cores: list[float] = []
    for controllers, path in _groups(files):
        for folder in _way_up(controllers, path):
            memory += _memory(files, folder)
            cores += _cores(files, folder)
    return Limits(memory=min(memory, default=None), cores=min(cores, default=None))


def _groups(files: Files) -> Iterator[tuple[str, str]]:
    for line in (files.text("/proc/self/cgroup") or "").splitlines():
        _, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if controllers == "":
            yield "", path
            yield "unified", path  # where version 2 is mounted beside version 1
        elif {"memory", "cpu"} & set(controllers.split(",")):
            yield controllers, path


def _way_up(controllers: str, path: str) -> Iterator[str]:
    inner = PurePosixPath(*(part for part in path.split("/") if part not in ("", "..")))
    for folder in dict.fromkeys((inner, *inner.parents)):
        yield str(PurePosixPath(_MOUNT, controllers, folder))


def _memory(files: Files, folder: str) -> Iterator[int]:
    for name in ("memory.max", "memory.limit_in_bytes"):
        value = _number(files.text(f"{folder}/{name}"))
        if value is not None and 0 < value < _NO_LIMIT:
            yield value


def _cores(files: Files, folder: str) -> Iterator[float]:
    quota, _, period = (files.text(f"{folder}/cpu.max") or "").partition(" ")
    old_quota = files.text(f"{folder}/cpu.cfs_quota_us")
    old_period = files.text(f"{folder}/cpu.cfs_period_us")
    for share, span in ((_number(quota), _number(period)), (_number(old_quota), _number(old_period))):
        if share is not None and span and share > 0:
            yield share / span


def _number(text: str | None) -> int | None:
    try:
        return int(text or "")
    except ValueError:  # "max", or nothing
        return None
