"""Gather from the package index what it tells of torch: releases, Pythons, systems, variants, sizes, partners."""

from __future__ import annotations

import re
from collections import defaultdict
from itertools import groupby
from typing import TYPE_CHECKING

from packaging.specifiers import SpecifierSet
from packaging.utils import InvalidWheelFilename, parse_wheel_filename
from packaging.version import InvalidVersion, Version

from envkit.torchbuild.refresh.measure import Target, measure
from envkit.torchbuild.rows import (
    Default,
    IndexTable,
    Partner,
    Release,
    ReleaseSystem,
    Size,
    minor_of,
    parse_version,
)

if TYPE_CHECKING:
    import datetime
    from collections.abc import Callable, Iterator

    from packaging.requirements import Requirement

    from envkit.torchbuild.refresh.package_index import IndexFile, PackageIndex

# The first releases that the table covers: of torch, and of what is compiled against it.
_FIRST = {"torch": Version("2.6"), "torchvision": Version("0.21"), "torchaudio": Version("2.6")}
# Tags of the default wheels of torch 2.6 allow older ones, those of the same release in the torch index do not.
_OLDEST_GLIBC = "2.28"
_MACHINES = {"x86_64": "x86_64", "aarch64": "aarch64", "arm64": "arm64", "amd64": "x86_64"}

Place = tuple[str, str]


def gather(
    index: PackageIndex, *, date: datetime.date, tell: Callable[[str], object] = lambda _: None
) -> IndexTable:
    """Return the rows that the index tells today; ``tell`` hears what is asked. Raises: EnvError."""
    tell("torch: releases")
    wheels = _wheels_of(index.files("torch"))
    newest = _newest_of_minors(wheels)
    return IndexTable(
        releases=tuple(_releases(wheels, date)),
        defaults=tuple(_defaults(index, wheels, newest, date, tell)),
        sizes=tuple(_sizes(index, wheels, newest, date, tell)),
        partners=tuple(_partners(index, date, tell)),
    )


def place_and_needs(tag: str) -> tuple[Place, str] | None:
    """Return system, processor and the oldest glibc or macOS of a platform tag; None for one not told of."""
    if match := re.fullmatch(r"manylinux_(\d+)_(\d+)_(\w+)", tag):
        glibc = f"{match[1]}.{match[2]}"
        return ("linux", match[3]), max(glibc, _OLDEST_GLIBC, key=parse_version)
    if match := re.fullmatch(r"manylinux(?:1|2010|2014)_(\w+)", tag):
        return ("linux", match[1]), _OLDEST_GLIBC
    if match := re.fullmatch(r"macosx_(\d+)_(\d+)_(\w+)", tag):
        return ("darwin", match[3]), f"{match[1]}.{match[2]}"
    if match := re.fullmatch(r"win_(\w+)", tag):
        return ("windows", _MACHINES.get(match[1], match[1])), ""
    return None


def default_variant(requirements: list[Requirement], target: Target) -> str:
    """Return the variant that a wheel's requirements tell: CUDA's runtime in its version, or none of it."""
    for requirement in requirements:
        is_runtime = re.fullmatch(r"cuda-toolkit|nvidia-cuda-runtime(-cu\d+)?", requirement.name)
        if is_runtime and target.wants(requirement, frozenset()):
            pin = next((each.version for each in requirement.specifier if each.operator == "=="), "")
            if match := re.match(r"(\d\d)\.(\d)", pin):
                return f"cu{match[1]}{match[2]}"
    return "cpu"


def _wheels_of(files: tuple[IndexFile, ...]) -> dict[Version, dict[Place, dict[str, str]]]:
    """Return for each release and place the Pythons, and what the best of their wheels needs."""
    found: dict[Version, dict[Place, dict[str, str]]] = defaultdict(lambda: defaultdict(dict))
    for file in files:
        try:
            _, version, _, tags = parse_wheel_filename(file.filename)
        except (InvalidWheelFilename, InvalidVersion):
            continue
        if version.is_prerelease or version < _FIRST["torch"]:
            continue
        for tag in tags:
            place = place_and_needs(tag.platform)
            python = re.fullmatch(r"cp3(\d+)", tag.interpreter)
            if place is None or python is None or tag.abi.endswith("t"):
                continue
            needs = found[version][place[0]]
            minor = f"3.{python[1]}"
            needs[minor] = min(
                needs.get(minor, place[1]), place[1], key=lambda text: parse_version(text or "0")
            )
    return found


def _newest_of_minors(wheels: dict[Version, dict[Place, dict[str, str]]]) -> dict[str, Version]:
    newest: dict[str, Version] = {}
    for version in sorted(wheels):
        newest[minor_of(version)] = version
    return newest


def _releases(wheels: dict[Version, dict[Place, dict[str, str]]], date: datetime.date) -> Iterator[Release]:
    alike: dict[tuple[ReleaseSystem, ...], list[str]] = defaultdict(list)
    for version in sorted(wheels, reverse=True):
        alike[tuple(_systems(wheels[version]))].append(str(version))
    for systems, versions in alike.items():
        yield Release(
            versions=tuple(versions),
            systems=systems,
            source="names of the wheels on the package index",
            date=date,
        )


def _systems(places: dict[Place, dict[str, str]]) -> Iterator[ReleaseSystem]:
    for (system, machine), needs in sorted(places.items()):
        pythons = sorted(needs, key=parse_version)
        for lowest, run in groupby(pythons, key=needs.__getitem__):
            alike = list(run)
            yield ReleaseSystem(system=system, machine=machine, needs=lowest, python=(alike[0], alike[-1]))


def _defaults(
    index: PackageIndex,
    wheels: dict[Version, dict[Place, dict[str, str]]],
    newest: dict[str, Version],
    date: datetime.date,
    tell: Callable[[str], object],
) -> Iterator[Default]:
    alike: dict[tuple[str, str, str], list[str]] = defaultdict(list)
    for minor, version in newest.items():
        for place, pythons in wheels[version].items():
            if place[0] == "darwin":  # their wheels do not tell that they compute on Apple's GPU
                continue
            tell(f"torch {version}: variant for {place[0]} {place[1]}")
            target = Target(*place, _middle(pythons))
            file = target.best(index.files("torch"), SpecifierSet(f"=={version}"))
            if file is not None:
                variant = default_variant(index.content(file).requirements(), target)
                alike[(*place, variant)].append(minor)
    for (system, machine, variant), torch in sorted(alike.items()):
        yield Default(
            torch=tuple(torch),
            system=system,
            machines=(machine,),
            variant=variant,
            source="requirements of the wheels on the package index",
            date=date,
        )


def _sizes(
    index: PackageIndex,
    wheels: dict[Version, dict[Place, dict[str, str]]],
    newest: dict[str, Version],
    date: datetime.date,
    tell: Callable[[str], object],
) -> Iterator[Size]:
    for minor, version in newest.items():
        for place, pythons in sorted(wheels[version].items()):
            target = Target(*place, _middle(pythons))
            tell(f"torch {version}: size on {place[0]} {place[1]}")
            download, disk = measure(index, target, str(version))
            file = target.best(index.files("torch"), SpecifierSet(f"=={version}"))
            variant = "mps"
            if place[0] != "darwin" and file is not None:
                variant = default_variant(index.content(file).requirements(), target)
            yield Size(
                torch=(minor,),
                variant=variant,
                system=place[0],
                machine=place[1],
                download=download,
                disk=disk,
                source=f"wheels of {version} for Python {target.python} and their requirements on the package index",
                date=date,
            )


def _partners(index: PackageIndex, date: datetime.date, tell: Callable[[str], object]) -> Iterator[Partner]:
    for package in ("torchvision", "torchaudio"):
        alike: dict[str, list[str]] = defaultdict(list)
        files: dict[Version, IndexFile] = {}
        for file in index.files(package):
            try:
                _, version, _, _ = parse_wheel_filename(file.filename)
            except (InvalidWheelFilename, InvalidVersion):
                continue
            if not version.is_prerelease and version >= _FIRST[package]:
                files.setdefault(version, file)
        for version, file in sorted(files.items()):
            tell(f"{package} {version}: its torch")
            for requirement in index.content(file).requirements():
                if requirement.name == "torch":
                    alike[str(requirement.specifier)].append(str(version))
        for specifier, versions in alike.items():
            yield Partner(
                package=package,
                versions=tuple(versions),
                torch=specifier,
                source="requirements of the wheels on the package index",
                date=date,
            )


def _middle(pythons: dict[str, str]) -> str:
    """Return a Python that all that torch brings along has wheels for: not the newest, not the oldest."""
    ordered = sorted(pythons, key=parse_version)
    return ordered[len(ordered) // 2]
