"""Torch wheels that lie in folders: finding them, and reading their names."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from packaging.tags import Tag, compatible_tags, cpython_tags, mac_platforms
from packaging.utils import InvalidWheelFilename, parse_wheel_filename
from packaging.version import InvalidVersion

from envkit.torchbuild.fit import Obstacle
from envkit.torchbuild.records import LocalWheel
from envkit.torchbuild.variants import OWN, family_of, machine_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from envkit.machine import Platform
    from envkit.torchbuild.records import TorchBuild

# The names that glibc's versions had in wheel tags before PEP 600.
_OLD_NAMES = {17: "manylinux2014", 12: "manylinux2010", 5: "manylinux1"}

# Of a Mac whose release nobody tells: the first for Apple silicon.
_OLDEST_MACOS = (11, 0)


def local_wheels(folders: Sequence[str]) -> list[LocalWheel]:
    """Return the torch wheels in folders (paths or file: URLs, as pip's find-links names them).

    Other URLs, and folders that are missing or unreadable, hold none; a path may name a wheel itself.
    """
    found: dict[Path, LocalWheel] = {}
    for folder in folders:
        path = _path(folder)
        for file in _files(path) if path else ():
            version = _read_version(file.name)
            if version is not None:
                wheel = LocalWheel(version=version, location=str(file.parent), filename=file.name)
                found.setdefault(file, wheel)
    return list(found.values())


def check_tags(filename: str, platform: Platform, *, python: str) -> Obstacle | None:
    """Return what keeps a wheel from being installed into this Python on this platform."""
    tags = parse_wheel_filename(filename)[3]
    if not tags.isdisjoint(wheel_tags(platform, python=python)):
        return None
    made_for = ", ".join(sorted(str(tag) for tag in tags))
    return Obstacle(f"its wheel is for {made_for}, not for Python {python} on this machine")


def is_plain_linux(filename: str) -> bool:
    """Tell whether a wheel is for Linux without a word about its libc: ``linux_aarch64``, not ``manylinux``."""
    return all(tag.platform.startswith("linux_") for tag in parse_wheel_filename(filename)[3])


def is_own(build: TorchBuild) -> bool:
    """Tell whether a build is somebody's own: without a name, or with one that torch gives none, as in 2.8.0+mine."""
    return build.variant == OWN or (build.source == "find-links" and family_of(build.variant) is None)


def find_own_file(build: TorchBuild, platform: Platform, wheels: Iterable[LocalWheel]) -> str | None:
    """Return the file of a build of one's own: of the same version, pip would prefer the package index's wheel."""
    if not is_own(build):
        return None
    for wheel in wheels:
        is_it = wheel.version == build.version and wheel.location == build.location
        is_named = build.variant != OWN  # then the package index has none of this version
        if not is_it or not (is_named or is_plain_linux(wheel.filename)):
            continue
        if check_tags(wheel.filename, platform, python=build.python) is None:
            return f"{wheel.location}/{wheel.filename}"
    return None


def wheel_tags(platform: Platform, *, python: str) -> Iterator[Tag]:
    """Yield the tags of wheels for this Python (``3.11``) on this platform, the best first."""
    version = tuple(int(part) for part in python.split(".")[:2])
    short = f"cp{version[0]}{version[1]}"
    platforms = list(_platforms(platform))
    yield from cpython_tags(version, abis=[short], platforms=platforms)
    yield from compatible_tags(version, interpreter=short, platforms=platforms)


def _platforms(platform: Platform) -> Iterable[str]:
    if platform.system == "darwin":
        told = re.match(r"([0-9]{1,4})(?:\.([0-9]{1,4}))?", platform.os_version or "")
        release = (int(told[1]), int(told[2] or 0)) if told else _OLDEST_MACOS
        return mac_platforms(release, machine_of(platform))
    if platform.system == "windows":
        return ["win_arm64" if machine_of(platform) == "aarch64" else "win_amd64"]
    names = [f"linux_{platform.machine}"]
    if platform.libc == "glibc":
        newest = int((platform.libc_version or "2.17").split(".")[1])
        for glibc in range(newest, 4, -1):
            names.append(f"manylinux_2_{glibc}_{platform.machine}")
            if glibc in _OLD_NAMES:
                names.append(f"{_OLD_NAMES[glibc]}_{platform.machine}")
    return names


def _path(folder: str) -> Path | None:
    if folder.lower().startswith("file:"):
        return Path(unquote(urlsplit(folder).path))
    if "://" in folder:
        return None
    return Path(folder).expanduser().absolute()


def _files(path: Path) -> list[Path]:
    if path.suffix == ".whl":
        return [path] if path.is_file() else []
    try:
        return sorted(path / name for name in os.listdir(path) if name.endswith(".whl"))  # noqa: PTH208
    except OSError:
        return []


def _read_version(filename: str) -> str | None:
    try:
        name, version, _, _ = parse_wheel_filename(filename)
    except (InvalidWheelFilename, InvalidVersion):
        return None
    return str(version) if name == "torch" else None
