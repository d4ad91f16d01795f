"""Judge whether torchvision and torchaudio go with the torch that is installed beside them. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from packaging.specifiers import SpecifierSet
from packaging.version import InvalidVersion, Version

from envkit.torchbuild.rows import minor_of
from envkit.torchbuild.table import Table, load_table
from envkit.torchbuild.variants import tag_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from envkit.api.facts import InstalledPackage
    from envkit.torchbuild.rows import Partner

_PARTNERS = ("torchvision", "torchaudio")


def judge_family(packages: Sequence[InstalledPackage], *, table: Table | None = None) -> list[str]:
    """Return in words what does not go together among torch, torchvision and torchaudio; none without torch.

    Versions are held against the table; builds (``cu130``, ``cpu``) against each other, where both are known.
    Versions that the table does not know, or that cannot be read, are not judged.
    """
    table = table or load_table()
    torch = next((each for each in packages if each.name == "torch"), None)
    if torch is None:
        return []
    found: list[str] = []
    for name in _PARTNERS:
        for package in packages:
            if package.name == name:
                found += _misfits(package, torch, table)
    return found


def _misfits(package: InstalledPackage, torch: InstalledPackage, table: Table) -> list[str]:
    version, beside = _read(package), _read(torch)
    if version is None or beside is None:
        return []
    names = f"{package.name} {package.version}", f"torch {torch.version}"
    found = []
    row = _find_row(package.name, version, table)
    public = Version(beside.public)
    if row is not None and not SpecifierSet(row.torch).contains(public, prereleases=True):
        found.append(f"{names[0]} goes with torch {_words(row.torch)}, and here is {names[1]}")
    here, there = _build_of(package, version), _build_of(torch, beside)
    if here is not None and there is not None and here != there:
        found.append(f"{names[0]} is a build for {here}, and {names[1]} one for {there}")
    return found


def _find_row(name: str, version: Version, table: Table) -> Partner | None:
    """Return the row of a release: of the very version first, then of its minor."""
    for key in (version.public, minor_of(version)):
        for row in table.partners:
            if row.package == name and key in row.versions:
                return row
    return None


def _words(specifier: str) -> str:
    if specifier.startswith("=="):
        return specifier.removeprefix("==").removesuffix(".*")
    return f"{specifier.removeprefix('>=')} or newer" if specifier.startswith(">=") else specifier


def _build_of(package: InstalledPackage, version: Version) -> str | None:
    return package.build or (tag_of(version.local) if version.local else None)


def _read(package: InstalledPackage) -> Version | None:
    try:
        return Version(package.version)
    except InvalidVersion:
        return None
