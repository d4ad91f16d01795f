"""Find on this machine's indexes just the files that a lock names, for an image to install."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import msgspec
from packaging.utils import canonicalize_name

from envkit.api import Base, EnvError
from envkit.environments.files.addresses import local_path
from envkit.environments.lockfile.entries import torch_build
from envkit.environments.lockfile.facts import machine_facts
from envkit.environments.plan import Plan
from envkit.environments.records import EnvSpec, WheelPackage
from envkit.environments.resolve import resolve_wheels
from envkit.images.contents.known_files import FoundFiles, cache_file, recall, remember

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from envkit.environments.lockfile.records import LockedMachine, LockedWheel
    from envkit.environments.plan import Planning
    from envkit.environments.progress import Progress
    from envkit.machine import MachineFacts

UV = "uv"


def find_files(
    section: LockedMachine, *, uv_version: str, planning: Planning, progress: Progress
) -> FoundFiles:
    """Return what is locked, by name, each with an address that this machine reaches, and uv for the image.

    The image's facts are those of ``planning``. Versions and hashes are those of the lock, wherever the files are
    had here. Raises: EnvError, by name, for what is not on the indexes here, is another file there, or has no
    file at all, such as a folder.
    """
    facts = planning.facts
    kept = cache_file(section, uv_version=uv_version, facts=facts, planning=planning)
    found = recall(kept)
    if found is None:
        packages = _find_packages(section, planning=planning, progress=progress)
        same = (each for each in packages if each.name == UV and each.version == uv_version)
        uv = next((each for each in same if each.url.endswith(".whl")), None)
        uv = uv or _find_uv(uv_version, facts=facts, planning=planning, progress=progress)
        found = FoundFiles(packages=packages, uv=uv)
        remember(kept, found)
    return found


def _find_packages(
    section: LockedMachine, *, planning: Planning, progress: Progress
) -> tuple[WheelPackage, ...]:
    direct = [_direct(wheel) for wheel in section.wheels if wheel.source == "direct"]
    named = [wheel for wheel in section.wheels if wheel.source != "direct"]
    # For the machine that it was locked for, as this may be older than the image: so the same files are chosen.
    facts = machine_facts(section.facts, python=section.python)
    found = {
        package.name: package
        for package in _resolve(
            [_pin(wheel.name, wheel.version) for wheel in named],
            python=section.python,
            facts=facts,
            section=section,
            planning=planning,
            progress=progress,
        )
    }
    placed = [(wheel, _placed(wheel, found.get(wheel.name))) for wheel in named]
    lacking = [wheel for wheel, package in placed if package is None]
    if lacking:
        raise _other_files(lacking, found)
    packages = (*direct, *(package for _, package in placed if package is not None))
    return tuple(sorted(packages, key=lambda package: package.name))


def _find_uv(version: str, *, facts: MachineFacts, planning: Planning, progress: Progress) -> WheelPackage:
    pins = [_pin(UV, version)]
    found = _resolve(
        pins, python=facts.python.version, facts=facts, section=None, planning=planning, progress=progress
    )
    package = next((each for each in found if each.name == UV), None)
    if package is None or not package.url.endswith(".whl") or not package.sha256:
        raise EnvError(
            f"the package index has no wheel of uv {version} with a sha256 for {facts.platform.machine}",
            hint="Put that wheel into a folder DIR, and set: PIP_FIND_LINKS=DIR",
        )
    return package


def _resolve(
    pins: Sequence[str],
    *,
    python: str,
    facts: MachineFacts,
    section: LockedMachine | None,
    planning: Planning,
    progress: Progress,
) -> tuple[WheelPackage, ...]:
    """Return the files of exact versions: what they need is not looked at."""
    if not pins:
        return ()
    torch = None
    if section is not None and section.torch is not None:
        torch = torch_build(section.torch, python=python, torch_index=planning.torch_index)
    plan = Plan(
        name="image",
        spec=EnvSpec(),
        base=Base(backend="venv", python=python),
        requirements=(),
        distributions=(),
        unresolved=tuple(pins),
        torch=torch,
        plugins=(),
        envkit=None,
        facts=facts,
    )
    return resolve_wheels(plan, planning=planning, progress=progress)


def _pin(name: str, version: str) -> str:
    # ``==2.15.0`` would mean ``2.15.0+cpu`` as well, wherever there is one.
    return f"{name}{'==' if '+' in version else '==='}{version}"


def _direct(wheel: LockedWheel) -> WheelPackage:
    """Return a package that comes from an address of its own. Raises: EnvError where that is no file."""
    if not wheel.sha256 or not wheel.url.endswith((".whl", ".tar.gz", ".zip")):
        exactly = f"{wheel.name}=={wheel.version}" if wheel.version else wheel.name
        raise EnvError(
            f"{wheel.name} comes from {wheel.url}, which no image can be built from: expected a wheel",
            hint=f"Build its wheel into a folder DIR: pip wheel --no-deps -w DIR '{wheel.url}'\n"
            f"Then ask for it by its version: PIP_FIND_LINKS=DIR envkit lock --with {exactly}",
        )
    path = local_path(wheel.url)
    if path is not None and not path.is_file():
        raise EnvError(
            f"{wheel.name} comes from {path}, which is not there", hint="Lock it again: envkit lock"
        )
    return _package(wheel, wheel.url)


def _placed(wheel: LockedWheel, found: WheelPackage | None) -> WheelPackage | None:
    """Return the locked file with the address that it has here, None where it cannot be told."""
    if found is not None and found.url and found.sha256 == wheel.sha256:
        return _package(wheel, found.url, size=found.size)
    # A file that was added to this version later may fit better: the one that is locked lies beside it still.
    if found is not None and wheel.url and _server(wheel.url) == _server(found.url):
        is_other = wheel.file_name != found.url.rpartition("/")[2]
        return _package(wheel, wheel.url) if is_other else None
    return None


def _package(wheel: LockedWheel, url: str, *, size: int | None = None) -> WheelPackage:
    return WheelPackage(
        name=wheel.name,
        version=wheel.version,
        url=url,
        sha256=wheel.sha256,
        size=wheel.size if size is None else size,
        source=wheel.source,
    )


def _server(address: str) -> str:
    return urlsplit(address).netloc.rpartition("@")[2]


def _other_files(wheels: Iterable[LockedWheel], found: Mapping[str, WheelPackage]) -> EnvError:
    rows = []
    for wheel in wheels:
        package = found.get(wheel.name)
        there = "no file of it" if package is None or not package.url else package.url.rpartition("/")[2]
        sha256 = f", sha256 {package.sha256[:12]}…" if package is not None and package.sha256 else ""
        rows.append(
            f"\n  {wheel.name} {wheel.version}: {wheel.file_name}, sha256 {wheel.sha256[:12]}… is locked, "
            f"and on the indexes here is {there}{sha256}"
        )
    return EnvError(
        f"what is locked is not what the package indexes have:{''.join(rows)}",
        hint="Use the indexes that it was locked with, seen with: pip config list\nOr lock what is there: envkit lock",
    )


@dataclass(frozen=True)
class PlainLock:
    """A spec and a section without paths of this machine."""

    spec: EnvSpec
    section: LockedMachine


def without_places(spec: EnvSpec, section: LockedMachine) -> PlainLock:
    """Return both with wheels from folders named by version and file alone, whatever their paths are here."""
    replace = msgspec.structs.replace
    pins = {
        each.name: f"{each.name}=={each.version}"
        for each in section.wheels
        if each.source == "direct" and local_path(each.url) is not None
    }
    wheels = (
        replace(each, source="find-links", url="", file=each.file_name) if each.name in pins else each
        for each in section.wheels
    )

    def pinned(texts: Iterable[str]) -> tuple[str, ...]:
        return tuple(_pinned(text, pins) for text in texts)

    plain = replace(
        section,
        wheels=tuple(wheels),
        asked=pinned(section.asked),
        without_dependencies=pinned(section.without_dependencies),
    )
    return PlainLock(replace(spec, packages=pinned(spec.packages)), plain)


def _pinned(text: str, pins: Mapping[str, str]) -> str:
    """Return the pin in place of a requirement that names a path; any other stays."""
    name, at, _ = text.partition(" @ file:")
    return pins.get(canonicalize_name(name.partition("[")[0].strip()), text) if at else text
