"""Which files and folders of this machine a run in a container sees: each at the path that it has here."""

from __future__ import annotations

import contextlib
import os
import re
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
# Below these, all that is or serves a Python: the image's environment, its base and their C libraries.
_PROGRAMS = tuple(
    map(Path, ("/bin", "/lib", "/lib64", "/sbin", "/usr/bin", "/usr/lib", "/usr/local/bin", "/usr/local/lib"))
)
_OF_PYTHON = re.compile(r"(lib)?python[\d.]*(\.so[\d.]*)?|\w+-linux-\w+|(ld-linux|libc)\b.*")
_PACKAGES = frozenset({"dist-packages", "site-packages"})  # a model may lie in one, and hides nothing there
_KERNEL = tuple(map(Path, ("/dev", "/proc", "/sys")))
# A folder of more links than this is a farm of them; each mount costs a container a system call at its start.
_MOST_LINKS = 500


@dataclass(frozen=True, kw_only=True)
class BindMount:
    """A file or folder of this machine, at the same absolute path in the container.

    ``source`` is what lies there where that is another path here, as links in a linked folder may have it.
    """

    path: Path
    is_writable: bool = False
    source: Path | None = None


def plan_mounts(run_dir: Path, *, readable: Iterable[Path]) -> tuple[BindMount, ...]:
    """Return what is mounted for a run: its folder to write to, all else to read alone.

    Where links in a ``readable`` folder lead out of it, their targets come along, and what links in those lead to.
    Paths are absolute. Raises: ImageError for a path that would hide what a container needs, or that lies in /proc
    or its likes.
    """
    named = [_lexical(path) for path in readable]
    for path in (run_dir, *named):
        _check_harmless(path)
        _check_beside_python(path)
    sources = {**_linked(named, run_dir=run_dir), **dict.fromkeys(named)}
    chosen: list[Path] = []
    for path in sorted(sources, key=lambda path: (len(path.parts), path)):
        if not any(path.is_relative_to(other) for other in (run_dir, *chosen)):
            chosen.append(path)
    # An outer mount has to be there before one inside it: an engine sorts them, but is not bound to.
    mounts = [BindMount(path=run_dir, is_writable=True)]
    mounts += [BindMount(path=path, source=sources[path]) for path in chosen]
    return tuple(sorted(mounts, key=lambda mount: len(mount.path.parts)))


def _linked(named: Iterable[Path], *, run_dir: Path) -> dict[Path, Path | None]:
    """Return where links lead to in a container, each with what lies there if it is something else here."""
    found: dict[Path, Path | None] = {}
    for folder in named:
        waiting, scanned, count = [(folder, folder)], set(), 0
        while waiting:
            place, source = waiting.pop()
            if (place, source) in scanned:
                continue
            scanned.add((place, source))
            for target, real in _outer_targets(place, source):
                is_first = place == folder
                if target.is_relative_to(run_dir) or not _is_mountable(target, is_first=is_first):
                    continue
                count += 1
                if count > _MOST_LINKS:
                    raise _too_many(folder)
                other = None if target.resolve() == real else real
                if found.setdefault(target, other) != other:
                    raise _two_sources(target, found[target] or target.resolve(), real)
                waiting.append((target, real))
    return found


def _outer_targets(place: Path, source: Path) -> Iterator[tuple[Path, Path]]:
    """Yield what links in a folder name outside of it: its path in a container, and what it is on this machine.

    A container has the folder at ``place``: from there it goes along ``..``, and this machine from ``source``.
    """
    real = source.resolve()
    for link in _links_in(real):
        text = link.readlink()
        target = _lexical(place / link.parent.relative_to(real) / text)
        if not target.is_relative_to(place) and os.path.exists(link):  # noqa: PTH110  # False for what is forbidden
            yield target, link.resolve()


def _is_mountable(target: Path, *, is_first: bool) -> bool:
    """Tell whether a link's target is mounted; else the container has its own there.

    Raises: ImageError where the link is in a folder that the user named and would hide what a container needs.
    """
    if _python_beside(target) is not None:
        return False
    try:
        _check_harmless(target)
    except ImageError:
        if is_first:
            raise
        return False
    return True


def _too_many(folder: Path) -> ImageError:
    return ImageError(
        f"the folder {folder} has more than {_MOST_LINKS} links that lead out of it, and a container "
        "sees only what is mounted for it",
        hint="Put the files themselves there (cp -rL), or use an environment of this machine: --env auto",
    )


def _two_sources(target: Path, one: Path, other: Path) -> ImageError:
    return ImageError(
        f"links lead a container to {target} for two files of this machine, {one} and {other}",
        hint="Name the folders themselves and not links to them",
    )


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


def _check_beside_python(path: Path) -> None:
    own = _python_beside(path)
    if own is not None:
        raise ImageError(
            f"{path} cannot be mounted into a container: it would cover the Python that the container has in {own}",
            hint="Put the data, or the run, into a folder of its own",
        )


def _python_beside(path: Path) -> Path | None:
    """Return the folder of the image's programs that a path would cover a part of, None for any other path."""
    if path.is_relative_to(ENV_PREFIX):
        return Path(ENV_PREFIX)
    folder = next((each for each in _PROGRAMS if path.is_relative_to(each) and path != each), None)
    if folder is None or _PACKAGES.intersection(path.parent.parts):
        return None
    return folder if any(map(_OF_PYTHON.fullmatch, path.relative_to(folder).parts)) else None
