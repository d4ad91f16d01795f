"""Judge one build against one machine: driver, GPUs, system, Python. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from packaging.version import InvalidVersion, Version

if TYPE_CHECKING:
    from envkit.machine import Gpu, MachineFacts
    from envkit.torchbuild.table import Build, Release, Table


@dataclass(frozen=True)
class Obstacle:
    """Why a build does not fit, and what to do about it, if anything can be done."""

    why: str
    unlock: str | None = None


def cuda_of(variant: str) -> tuple[int, int] | None:
    """Return CUDA's version of a variant such as ``cu126``, None for any other."""
    match = re.fullmatch(r"cu(\d\d)(\d)", variant)
    return (int(match[1]), int(match[2])) if match else None


def usable_gpus(facts: MachineFacts) -> tuple[Gpu, ...]:
    """Return the NVIDIA GPUs that a driver answers for."""
    if facts.nvidia.driver_version is None:
        return ()
    return tuple(gpu for gpu in facts.nvidia.gpus if gpu.compute_capability)


def name_gpus(gpus: tuple[Gpu, ...]) -> str:
    """Return names and compute capabilities, each once, for a sentence."""
    names = dict.fromkeys(
        f"{gpu.name} (compute capability {gpu.compute_capability})" if gpu.compute_capability else gpu.name
        for gpu in gpus
    )
    return " and ".join(names)


def check_driver(facts: MachineFacts, variant: str, *, table: Table) -> Obstacle | None:
    """Return what keeps this machine's driver from running a CUDA variant."""
    cuda = cuda_of(variant)
    row = next((row for row in table.drivers if cuda and row.cuda == cuda[0]), None)
    if row is None:
        return Obstacle(f"it is built for {variant}, whose driver envkit does not know")
    oldest = row.windows if facts.platform.is_wsl else row.linux
    driver = facts.nvidia.driver_version or "0"
    if _version(driver) >= Version(oldest):
        return None
    place = " in Windows" if facts.platform.is_wsl else ""
    return Obstacle(
        f"CUDA {row.cuda} needs NVIDIA driver {oldest} or newer, here is {driver}",
        f"install NVIDIA driver {oldest} or newer{place}",
    )


def oldest_driver(variant: str, *, table: Table) -> str | None:
    """Return the oldest NVIDIA driver for Linux that runs a CUDA variant, None for a variant without CUDA."""
    cuda = cuda_of(variant)
    return next((row.linux for row in table.drivers if cuda and row.cuda == cuda[0]), None)


def check_kernels(gpus: tuple[Gpu, ...], build: Build | None) -> Obstacle | None:
    """Return which GPUs a CUDA build has no kernels for; an unknown build is given the benefit."""
    if build is None:
        return None
    lost = tuple(gpu for gpu in gpus if not has_kernels(build, gpu.compute_capability or ""))
    return Obstacle(f"it has no kernels for {name_gpus(lost)}") if lost else None


def has_kernels(build: Build, capability: str) -> bool:
    """Tell whether a GPU of this compute capability runs the build.

    Machine code runs on its own major at its own minor or a later one; intermediate code is compiled for
    anything newer. Source: CUDA C++ Programming Guide, binary and PTX compatibility.
    """
    major, minor = _capability(capability)
    for each in build.capabilities:
        has_major, has_minor = _capability(each)
        if has_major == major and has_minor <= minor:
            return True
    return build.ptx is not None and (major, minor) >= _capability(build.ptx)


def check_release(facts: MachineFacts, release: Release, *, python: str) -> list[Obstacle]:
    """Return what keeps a release's wheels from being installed here."""
    platform = facts.platform
    row = next(
        (row for row in release.systems if (row.system, row.machine) == (platform.system, platform.machine)),
        None,
    )
    if row is None:
        return [_no_wheels(facts)]
    obstacles = [_check_system(facts, row.needs), _check_python(release, python)]
    return [obstacle for obstacle in obstacles if obstacle]


def _check_system(facts: MachineFacts, needs: str) -> Obstacle | None:
    platform = facts.platform
    if platform.libc == "musl":
        return Obstacle(
            "torch has no wheels for musl",
            "use a system with glibc, such as Debian, or an image of one",
        )
    name = "macOS" if platform.system == "darwin" else "glibc"
    here = platform.os_version if platform.system == "darwin" else platform.libc_version
    if here is None or _version(here) >= Version(needs):
        return None
    return Obstacle(
        f"its wheel needs {name} {needs} or newer, here is {here}", "upgrade the operating system"
    )


def _check_python(release: Release, python: str) -> Obstacle | None:
    first, last = release.python
    if Version(first) <= Version(python) <= Version(last):
        return None
    return Obstacle(f"it has no wheel for Python {python}", f"use Python {first} to {last}")


def _no_wheels(facts: MachineFacts) -> Obstacle:
    system, machine = facts.platform.system, facts.platform.machine
    why = f"torch has no wheels for {machine} on {system}"
    if system == "windows":
        return Obstacle(why, "run envkit inside WSL: wsl --install")
    if system == "darwin":
        return Obstacle("torch has had no wheels for Intel Macs since 2.3", "use Apple silicon, or Linux")
    return Obstacle(why, "use a machine with an x86_64 or aarch64 processor")


def _capability(text: str) -> tuple[int, int]:
    major, _, minor = text.partition(".")
    return int(major), int(minor or 0)


def _version(text: str) -> Version:
    try:
        return Version(text)
    except InvalidVersion:
        return Version("0")
