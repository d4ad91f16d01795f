"""Judge one build against one machine: NVIDIA's driver and GPUs, system, Python. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from packaging.version import InvalidVersion, Version

from envkit.torchbuild.rows import minor_of, parse_version
from envkit.torchbuild.variants import cuda_of, machine_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from envkit.machine import Gpu, MachineFacts
    from envkit.torchbuild.rows import Build, Place, Release
    from envkit.torchbuild.table import Table

__all__ = [
    "Obstacle",
    "check_driver",
    "check_interpreter",
    "check_kernels",
    "check_release",
    "cuda_of",
    "has_kernels",
    "has_mps",
    "join_names",
    "name_gpus",
    "oldest_driver",
    "place_of",
    "unknown_gpus",
    "usable_gpus",
]

_MOST_NAMES = 3
_MPS_MACOS = "12.3"


@dataclass(frozen=True)
class Obstacle:
    """Why a build does not fit, what to do about it, and that as a condition: ``driver >= 580``."""

    why: str
    unlock: str | None = None
    needs: str | None = None


def usable_gpus(facts: MachineFacts) -> tuple[Gpu, ...]:
    """Return the NVIDIA GPUs that a driver answers for."""
    if facts.nvidia.driver_version is None:
        return ()
    return tuple(gpu for gpu in facts.nvidia.gpus if gpu.compute_capability)


def has_mps(facts: MachineFacts) -> bool:
    """Tell whether a Mac with Apple silicon computes on its GPU; facts of a lock alone name only the system."""
    return facts.apple.has_mps or _version(facts.platform.os_version or "0") >= parse_version(_MPS_MACOS)


def unknown_gpus(facts: MachineFacts) -> tuple[Gpu, ...]:
    """Return the NVIDIA GPUs whose compute capability nothing tells, beside others that a driver answers for."""
    if not usable_gpus(facts):
        return ()
    return tuple(gpu for gpu in facts.nvidia.gpus if not gpu.compute_capability)


def name_gpus(gpus: tuple[Gpu, ...]) -> str:
    """Return names and compute capabilities, each once, for a sentence; of many the first, and a count."""
    return join_names(
        f"{gpu.name} (compute capability {gpu.compute_capability})" if gpu.compute_capability else gpu.name
        for gpu in gpus
    )


def join_names(names: Iterable[str]) -> str:
    """Return names, each once, for a sentence: ``A and B``, ``A, B, C and 5 more``."""
    known = list(dict.fromkeys(names))
    if len(known) <= _MOST_NAMES + 1:
        return " and ".join(known)
    return f"{', '.join(known[:_MOST_NAMES])} and {len(known) - _MOST_NAMES} more"


def place_of(facts: MachineFacts, *, table: Table) -> Place | None:
    """Return the kind of machine that decides whose drivers count; None where NVIDIA has none (macOS)."""
    name = "wsl" if facts.platform.is_wsl else facts.platform.system
    return next((row for row in table.places if row.name == name), None)


def check_driver(facts: MachineFacts, variant: str, *, table: Table) -> Obstacle | None:
    """Return what keeps this machine's driver from running a CUDA variant."""
    cuda = cuda_of(variant)
    row = next((row for row in table.drivers if cuda and row.cuda == cuda[0]), None)
    if row is None:
        return Obstacle(f"it is built for {variant}, whose driver envkit does not know")
    place = place_of(facts, table=table)
    oldest = row.windows if place is not None and place.drivers == "windows" else row.linux
    driver = facts.nvidia.driver_version or "0"
    if _version(driver) >= parse_version(oldest):
        return None
    where = " in Windows" if facts.platform.is_wsl else ""
    return Obstacle(
        f"CUDA {row.cuda} needs NVIDIA driver {oldest} or newer, here is {driver}",
        f"install NVIDIA driver {oldest} or newer{where}",
        f"driver >= {oldest}",
    )


def oldest_driver(variant: str, *, table: Table) -> str | None:
    """Return the oldest NVIDIA driver for Linux that runs a CUDA variant, None for a variant without CUDA."""
    cuda = cuda_of(variant)
    return next((row.linux for row in table.drivers if cuda and row.cuda == cuda[0]), None)


def check_kernels(gpus: tuple[Gpu, ...], build: Build | None, *, is_jetson: bool = False) -> Obstacle | None:
    """Return which GPUs a CUDA build has no kernels for; an unknown build is given the benefit."""
    if build is None:
        return None
    lost = tuple(
        gpu for gpu in gpus if not has_kernels(build, gpu.compute_capability or "", is_jetson=is_jetson)
    )
    return Obstacle(f"it has no kernels for {name_gpus(lost)}") if lost else None


@lru_cache(maxsize=4096)
def has_kernels(build: Build, capability: str, *, is_jetson: bool = False) -> bool:
    """Tell whether a GPU of this compute capability runs the build.

    Machine code runs on its own major at its own minor or a later one, but not that of graphics cards on a
    Jetson's GPU; intermediate code is compiled for anything newer. Source: CUDA C++ Programming Guide, binary and
    PTX compatibility.
    """
    major, minor = _capability(capability)
    for each in build.capabilities:
        has_major, has_minor = _capability(each)
        if has_major == major and (has_minor == minor or (has_minor < minor and not is_jetson)):
            return True
    return build.ptx is not None and (major, minor) >= _capability(build.ptx)


def check_interpreter(facts: MachineFacts, *, python: str) -> list[Obstacle]:
    """Return what keeps every wheel of torch out of the Python that the facts are of.

    Of a Python of another minor version the facts tell nothing.
    """
    here = facts.python
    if minor_of(_version(here.version.removesuffix("+"))) != python:
        return []
    if here.implementation.lower() != "cpython":
        why = f"torch has wheels for CPython alone, and this Python is {here.implementation}"
        return [Obstacle(why, f"use CPython {python}", "CPython")]
    if not here.is_64bit:
        return [Obstacle("torch has no wheels for a 32-bit Python", "use a 64-bit Python", "a 64-bit Python")]
    return []


def check_release(facts: MachineFacts, release: Release, *, python: str) -> list[Obstacle]:
    """Return what keeps a release's wheels from being installed here."""
    platform = facts.platform
    here = (platform.system, machine_of(platform))
    rows = [row for row in release.systems if (row.system, row.machine) == here]
    if not rows:
        return [_no_wheels(facts)]
    row = next((row for row in rows if _is_between(python, row.python)), None)
    if row is None:
        first, last = release.pythons(system=here[0], machine=here[1])
        wish = f"Python {first} to {last}"
        return [Obstacle(f"it has no wheel for Python {python}", f"use {wish}", wish)]
    obstacle = _check_system(facts, row.needs)
    return [obstacle] if obstacle else []


def _check_system(facts: MachineFacts, needs: str) -> Obstacle | None:
    platform = facts.platform
    if platform.libc == "musl":
        return Obstacle(
            "torch has no wheels for musl",
            "use a system with glibc, such as Debian, or an image of one",
            "a system with glibc",
        )
    if not needs:
        return None
    name = "macOS" if platform.system == "darwin" else "glibc"
    here = platform.os_version if platform.system == "darwin" else platform.libc_version
    if here is None or _version(here) >= parse_version(needs):
        return None
    return Obstacle(
        f"its wheel needs {name} {needs} or newer, here is {here}",
        "upgrade the operating system",
        f"{name} >= {needs}",
    )


def _is_between(python: str, bounds: tuple[str, str]) -> bool:
    return parse_version(bounds[0]) <= parse_version(python) <= parse_version(bounds[1])


def _no_wheels(facts: MachineFacts) -> Obstacle:
    system, machine = facts.platform.system, machine_of(facts.platform)
    why = f"torch has no wheels for {machine} on {system}"
    if system == "windows":
        return Obstacle(why, "run envkit inside WSL: wsl --install")
    if system == "darwin":
        return Obstacle("torch has had no wheels for Intel Macs since 2.3", "use Apple silicon, or Linux")
    if system != "linux":
        return Obstacle(why, "use Linux, on another machine or in a virtual one")
    return Obstacle(why, "use a machine with an x86_64 or aarch64 processor")


def _capability(text: str) -> tuple[int, int]:
    major, _, minor = text.partition(".")
    return int(major), int(minor or 0)


def _version(text: str) -> Version:
    try:
        return parse_version(text)
    except InvalidVersion:
        return Version("0")
