"""Which files and folders of this machine a run in a container sees: each at the path that it has here."""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from envkit.api import ImageError
from envkit.images.layout import ENV_PREFIX

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

# Mounted over, a container would lack its Python, its C library or its temporary files.
_KEPT = tuple(
    map(Path, (ENV_PREFIX, "/bin", "/etc", "/lib", "/lib64", "/sbin", "/tmp", "/usr/bin", "/usr/lib"))
)
_KERNEL = tuple(map(Path, ("/dev", "/proc", "/sys")))
# A folder of more links than this is a farm of them; each mount costs a container a system call at its start.
_MOST_LINKS = 500


@dataclass(frozen=True, kw_only=True)
class BindMount:
    """A file or folder of this machine, at the same absolute path in the container."""

    path: Path
    is_writable: bool = False


def plan_mounts(run_dir: Path, *, readable: Iterable[Path]) -> tuple[BindMount, ...]:
    """Return what is mounted for a run: its folder to write to, all else to read alone.

    Where links in a ``readable`` folder lead out of it, their targets come along. Paths are absolute.
    Raises: ImageError for a path that would hide what a container needs, or that lies in /proc or its likes.
    """
    named = [_lexical(path) for path in readable]
    for path in (run_dir, *named):
        _check_harmless(path)
    targets = [target for path in named for target in _outer_targets(path)]
    chosen: list[Path] = []
    for path in sorted({*named, *targets}, key=lambda path: (len(path.parts), path)):
        if not any(path.is_relative_to(other) for other in (run_dir, *chosen)):
            _check_harmless(path)
            chosen.append(path)
    # An outer mount has to be there before one inside it: an engine sorts them, but is not bound to.
    mounts = [BindMount(path=run_dir, is_writable=True), *(BindMount(path=path) for path in chosen)]
    return tuple(sorted(mounts, key=lambda mount: len(mount.path.parts)))


def _outer_targets(folder: Path) -> list[Path]:
    """Return what the symbolic links in a folder name outside of it, as they name it."""
    found: list[Path] = []
    for link in _links_in(folder):
        target = _lexical(link.parent / link.readlink())
        if target.is_relative_to(folder) or not target.exists():
            continue
        found.append(target)
        if len(found) > _MOST_LINKS:
            raise ImageError(
                f"the folder {folder} has more than {_MOST_LINKS} links that lead out of it, and a container "
                "sees only what is mounted for it",
                hint="Put the files themselves there (cp -rL), or use an environment of this machine: --env auto",
            )
    return found


def _links_in(folder: Path) -> Iterator[Path]:
    if not folder.is_dir():
        return
    waiting = [folder]
    while waiting:
        with contextlib.suppress(PermissionError), os.scandir(waiting.pop()) as entries:
            for entry in entries:
                if entry.is_symlink():
                    yield Path(entry.path)
                elif entry.is_dir():
                    waiting.append(Path(entry.path))


def _lexical(path: Path) -> Path:
    # Not resolve(): a container finds its way along the links as they are written.
    return Path(os.path.normpath(path))


def _check_harmless(path: Path) -> None:
    hidden = next((kept for kept in _KEPT if kept.is_relative_to(path)), None)
    if hidden is not None:
        raise ImageError(
            f"{path} cannot be mounted into a container: it would hide the container's own {hidden}",
            hint="Put the data, or the run, into a folder of its own",
        )
    if any(path.is_relative_to(folder) for folder in _KERNEL):
        raise ImageError(
            f"{path} cannot be mounted into a container, which has a {path.parts[1]} of its own",
            hint="Write the data into a file first",
        )
