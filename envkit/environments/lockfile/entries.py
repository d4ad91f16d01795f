"""Packages and torch, from what plans and resolutions hold to what a lock holds, and back."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import msgspec
from packaging.utils import canonicalize_name

from envkit.api import BasePackage, EnvError
from envkit.environments.lockfile.records import LockedBase, LockedTorch, LockedWheel
from envkit.environments.records import WheelPackage
from envkit.environments.requirements import minor_version
from envkit.torchbuild import TorchBuild
from envkit.torchbuild.records import masked

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from envkit.environments.lockfile.records import LockedMachine


def locked_torch(torch: TorchBuild | None, before: LockedTorch | None) -> LockedTorch | None:
    """Return the build with its reason; one that is kept keeps the reason it was chosen for."""
    if torch is None:
        return None
    if before is not None and (before.version, before.source) == (torch.version, torch.source):
        return before
    reason = masked(torch).reason
    if torch.source == "find-links" and torch.location:  # a folder is another on each machine
        reason = reason.replace(torch.location, "find-links")
    return LockedTorch(version=torch.version, variant=torch.variant, source=torch.source, reason=reason)


def torch_build(torch: LockedTorch, *, python: str, torch_index: str = "") -> TorchBuild:
    """Return the build as it is had here: its index is this machine's own, which may be a mirror."""
    is_index = torch.source == "torch index" and torch_index
    return TorchBuild(
        version=torch.version,
        variant=torch.variant,
        source=torch.source,
        location=f"{torch_index.rstrip('/')}/{torch.variant}" if is_index else "",
        python=minor_version(python),
        reason=torch.reason,
    )


def locked_base(packages: Iterable[BasePackage]) -> tuple[LockedBase, ...]:
    """Return the packages of a base, by name. Raises: EnvError for one whose channel gives no sha256."""
    return tuple(map(_locked_base, sorted(packages, key=lambda package: package.name)))


def base_packages(machine: LockedMachine) -> tuple[BasePackage, ...]:
    """Return the packages of the base, as backends take them."""
    return tuple(
        BasePackage(
            name=each.name,
            version=each.version,
            build=each.build,
            channel=each.channel,
            url=each.url,
            sha256=each.sha256,
            size=each.size,
        )
        for each in machine.base
    )


def locked_wheels(
    wheels: Iterable[WheelPackage], *, before: Sequence[LockedWheel]
) -> tuple[LockedWheel, ...]:
    """Return the wheels by name, envkit's and plugins' left out; a file that is the same keeps its line.

    Raises: EnvError for one whose index gives no sha256.
    """
    known = {wheel.name: wheel for wheel in before}
    found = sorted((_locked_wheel(each) for each in wheels if each.source != "host"), key=lambda w: w.name)
    # The same file from a mirror is no other file.
    return tuple(known[now.name] if _is_same(known.get(now.name), now) else now for now in found)


def wheel_packages(machine: LockedMachine) -> tuple[WheelPackage, ...]:
    """Return what is locked as installers take it, by name, version and hash, wherever it is had here."""
    wheels = (
        WheelPackage(
            name=each.name,
            version=each.version,
            url=each.url,
            sha256=each.sha256,
            size=each.size,
            source=each.source,
        )
        for each in machine.wheels
    )
    host = (
        WheelPackage(name=str(canonicalize_name(each.name)), version=each.version, source="host")
        for each in machine.host
    )
    return tuple(sorted((*host, *wheels), key=lambda package: package.name))


def _locked_base(package: BasePackage) -> LockedBase:
    if not package.sha256:
        raise EnvError(
            f"{package.channel} gives no sha256 for {package.name} {package.version}: it cannot be locked",
            hint="Take it from another channel: --channel conda-forge",
        )
    return LockedBase(
        name=package.name,
        version=package.version,
        build=package.build,
        channel=package.channel,
        url=package.url,
        sha256=package.sha256,
        size=package.size,
    )


def _locked_wheel(wheel: WheelPackage) -> LockedWheel:
    is_direct = wheel.source == "direct"
    if not wheel.url and not is_direct:
        raise EnvError(
            f"no file of {wheel.name} {wheel.version} fits this machine, and it has no source to build from",
            hint=f"Ask for another version: --with '{wheel.name}<{wheel.version}'",
        )
    if not wheel.sha256 and not is_direct:
        raise EnvError(
            f"the index gives no sha256 for {wheel.name} {wheel.version}: it cannot be locked",
            hint=f"Put the wheel of {wheel.name} into a folder DIR: PIP_FIND_LINKS=DIR envkit lock",
        )
    # What signs an address for a time is none of it.
    url = wheel.url if is_direct else urlsplit(wheel.url)._replace(query="", fragment="").geturl()
    locked = LockedWheel(
        name=str(canonicalize_name(wheel.name)),
        version=wheel.version,
        source=wheel.source,
        url=url,
        sha256=wheel.sha256,
        size=wheel.size,
    )
    if is_direct or not url.startswith("file:"):
        return locked
    return msgspec.structs.replace(locked, url="", file=locked.file_name)


def _is_same(was: LockedWheel | None, now: LockedWheel) -> bool:
    if was is None or not now.sha256 or "direct" in (was.source, now.source):
        return was == now
    return (was.version, was.sha256, was.file_name) == (now.version, now.sha256, now.file_name)
