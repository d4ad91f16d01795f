"""Probe the disks that hold given folders, and whether files can be linked from one to the other."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from envkit.api.facts import Disk, HardLinks
from envkit.machine.mounts import find_mount, read_mounts
from envkit.machine.time_limit import ANSWER_SECONDS, call_each

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from envkit.machine.files import Files


def read_disks(
    files: Files,
    places: Mapping[str, Path] | None = None,
    *,
    folders: Sequence[Path] = (),
    seconds: float = ANSWER_SECONDS,
) -> tuple[Disk, ...]:
    """Return the disk of each place, by purpose, then those of ``folders``, which have none.

    A folder that is yet to be made is on the disk of its nearest parent. What does not answer in time is
    noted, and the others are still told: each is asked in a thread of its own.
    """
    asked = [*(places or {}).items(), *(("", folder) for folder in folders)]
    mounts = read_mounts(files)
    disks = []
    answers = call_each([partial(_look, folder) for _, folder in asked], seconds=seconds)
    for (purpose, folder), seen in zip(asked, answers, strict=True):
        if isinstance(seen, OSError):
            files.note(str(folder), seen.strerror or str(seen))
            continue
        mount = find_mount(mounts, seen.real)
        size = seen.size
        disks.append(
            Disk(
                path=str(folder),
                existing=str(seen.existing),
                total=size.f_blocks * size.f_frsize,
                free=size.f_bavail * size.f_frsize,
                purpose=purpose,
                file_system=mount.file_system if mount else None,
                mount=mount.point if mount else None,
                is_writable=seen.is_writable,
                is_network=mount is not None and mount.is_network,
                # Those that make inodes as they go (btrfs, some network ones) tell 0 of 0.
                inodes_total=size.f_files or None,
                inodes_free=size.f_favail if size.f_files else None,
            )
        )
    return tuple(disks)


def read_hard_links(
    files: Files, cache_dir: Path | None, env_dir: Path | None, *, seconds: float = ANSWER_SECONDS
) -> HardLinks:
    """Tell whether a file of the cache can have a second name in an environment. Nothing is written."""
    if cache_dir is None or env_dir is None:
        return HardLinks(
            why=f"the folder of {'the cache' if cache_dir is None else 'environments'} is not known"
        )
    cache, env = call_each([partial(_look, cache_dir), partial(_look, env_dir)], seconds=seconds)
    if isinstance(cache, OSError):
        return HardLinks(why=f"{cache_dir}: {cache.strerror or cache}")
    if isinstance(env, OSError):
        return HardLinks(why=f"{env_dir}: {env.strerror or env}")
    mounts = read_mounts(files)
    mount, other = find_mount(mounts, cache.real), find_mount(mounts, env.real)
    if mount != other:
        # Two mounts of one disk as well: the kernel links within a mount alone. Source: link(2), EXDEV.
        there, here = (each.point if each else "an unknown mount" for each in (mount, other))
        return HardLinks(works=False, why=f"{cache_dir} is on {there}, {env_dir} on {here}")
    if cache.device != env.device:  # two subvolumes of btrfs, or two disks where the kernel has no list
        return HardLinks(works=False, why=f"{cache_dir} and {env_dir} are on two file systems")
    if mount is None:
        return HardLinks(why="both are on one file system, whose kind this system does not tell")
    why = {True: None, False: "has no hard links", None: "may have no hard links"}[mount.has_hard_links]
    return HardLinks(works=mount.has_hard_links, why=why and f"{mount.file_system} on {mount.point} {why}")


@dataclass(frozen=True, kw_only=True)
class _Seen:
    existing: Path
    real: str
    device: int
    is_writable: bool
    size: os.statvfs_result


def _look(folder: Path) -> _Seen:
    existing = _nearest(folder)
    return _Seen(
        existing=existing,
        real=os.path.realpath(existing),
        device=existing.stat().st_dev,
        is_writable=os.access(existing, os.W_OK | os.X_OK),
        size=os.statvfs(existing),
    )


def _nearest(folder: Path) -> Path:
    folder = Path.cwd() / folder
    return next((path for path in (folder, *folder.parents) if _exists(path)), folder)


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except PermissionError:  # below a folder that is closed to this user
        return False
