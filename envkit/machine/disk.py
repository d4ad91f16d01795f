"""Probe the disks that hold given folders."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from envkit.api.facts import Disk

if TYPE_CHECKING:
    from collections.abc import Sequence

    from envkit.machine.files import Files


def read_disks(files: Files, *, folders: Sequence[Path]) -> tuple[Disk, ...]:
    """Return the disk of each folder, or of the nearest parent where the folder is yet to be made."""
    disks = []
    for folder in folders:
        try:
            existing = _nearest(folder)
            usage = shutil.disk_usage(existing)
        except OSError as error:
            files.note(str(folder), error.strerror or str(error))
        else:
            disks.append(Disk(path=str(folder), existing=str(existing), total=usage.total, free=usage.free))
    return tuple(disks)


def _nearest(folder: Path) -> Path:
    folder = Path.cwd() / folder
    return next((path for path in (folder, *folder.parents) if path.exists()), folder)
