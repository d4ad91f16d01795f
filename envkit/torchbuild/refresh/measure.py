"""Measure what torch and all that it brings along take: to fetch, and on disk."""

from __future__ import annotations

from typing import TYPE_CHECKING

from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import InvalidWheelFilename, canonicalize_name, parse_wheel_filename
from packaging.version import InvalidVersion, Version

from envkit.api import EnvError
from envkit.api.facts import Platform
from envkit.torchbuild.wheels import wheel_tags

if TYPE_CHECKING:
    from collections.abc import Iterator
    from collections.abc import Set as AbstractSet

    from packaging.tags import Tag
    from packaging.utils import BuildTag

    from envkit.torchbuild.refresh.package_index import IndexFile, PackageIndex

# The newest systems that wheels ask for at present.
_NEWEST = {"linux": "2.39", "darwin": "26.0", "windows": None}
_SYS = {"linux": "linux", "darwin": "darwin", "windows": "win32"}
_NAMES = {"linux": "Linux", "darwin": "Darwin", "windows": "Windows"}


class Target:
    """A kind of machine and a Python, as installers see them."""

    def __init__(self, system: str, machine: str, python: str) -> None:
        newest = _NEWEST[system]
        platform = Platform(
            system=system,
            machine=machine,
            kernel="",
            os_version=newest if system == "darwin" else None,
            libc="glibc" if system == "linux" else None,
            libc_version=newest if system == "linux" else None,
        )
        self.system, self.machine, self.python = system, machine, python
        self._order = {tag: number for number, tag in enumerate(wheel_tags(platform, python=python))}

    def best(self, files: tuple[IndexFile, ...], specifier: SpecifierSet) -> IndexFile | None:
        """Return the wheel that an installer would take: the newest, and of its builds the best."""
        found = [
            (version, build, -min(self._order[tag] for tag in fitting), file)
            for file, version, build, tags in _wheels(files)
            if specifier.contains(version) and (fitting := tags & self._order.keys())
            if SpecifierSet(file.requires_python or "").contains(f"{self.python}.99")
        ]
        return max(found, key=lambda each: each[:3])[3] if found else None

    def wants(self, requirement: Requirement, extras: frozenset[str]) -> bool:
        """Tell whether a requirement holds here."""
        if requirement.marker is None:
            return True
        machine = "AMD64" if self.system == "windows" else self.machine
        environment: dict[str, str | AbstractSet[str]] = {
            **{key: str(value) for key, value in default_environment().items()},
            "sys_platform": _SYS[self.system],
            "platform_system": _NAMES[self.system],
            "platform_machine": machine,
            "os_name": "nt" if self.system == "windows" else "posix",
            "python_version": self.python,
            "python_full_version": f"{self.python}.9",
            "implementation_name": "cpython",
            "platform_python_implementation": "CPython",
        }
        return any(requirement.marker.evaluate({**environment, "extra": extra}) for extra in extras or {""})


def measure(index: PackageIndex, target: Target, version: str) -> tuple[int, int]:
    """Return bytes to fetch and bytes on disk of torch and its requirements. Raises: EnvError."""
    taken: dict[str, IndexFile] = {}
    asked: set[tuple[str, frozenset[str]]] = set()
    waiting = [Requirement(f"torch==={version}")]
    while waiting:
        requirement = waiting.pop()
        name = canonicalize_name(requirement.name)
        extras = frozenset(requirement.extras)
        if (name, extras) in asked:
            continue
        asked.add((name, extras))
        file = taken.get(name) or target.best(index.files(name), requirement.specifier)
        if file is None:
            raise EnvError(f"the index has no wheel for {requirement} on {target.system} {target.machine}")
        taken[name] = file
        waiting += [each for each in index.content(file).requirements() if target.wants(each, extras)]
    download = sum(file.size or 0 for file in taken.values())
    return download, sum(index.content(file).unpacked for file in taken.values())


def _wheels(
    files: tuple[IndexFile, ...],
) -> Iterator[tuple[IndexFile, Version, BuildTag, frozenset[Tag]]]:
    for file in files:
        try:
            _, version, build, tags = parse_wheel_filename(file.filename)
        except (InvalidWheelFilename, InvalidVersion):
            continue
        if not version.is_prerelease:
            yield file, version, build, tags
