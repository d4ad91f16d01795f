"""Whether a folder outlasts the container that a run is in."""

from __future__ import annotations

import re
from pathlib import Path

_MARKS = (".dockerenv", "run/.containerenv")  # Docker's and Podman's own
_ROOT = Path("/")


def is_gone_with_container(
    folder: Path, *, root: Path = _ROOT, mounts: Path = Path("/proc/self/mountinfo")
) -> bool:
    """Tell whether this is a container and the folder lies on its own file system, with nothing mounted in between."""
    if not any((root / mark).exists() for mark in _MARKS):
        return False
    try:
        lines = mounts.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
        found = folder.resolve()
    except OSError:
        return False
    # Not st_dev: an engine may keep images on the very file system that it mounts folders from.
    points = {Path(_unescaped(line.split()[4])) for line in lines if line.count(" ") > 4}
    return not any(each in points for each in (found, *found.parents) if each != _ROOT)


def _unescaped(text: str) -> str:
    r"""Return a path of the kernel's table, where a blank is ``\040``."""
    return re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), text)
