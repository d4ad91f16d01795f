"""The rules about torch builds, stated a second time: from the issue's words and the table's data alone.

Nothing here comes from envkit's code. Every build is written out with all that it needs, and the best one is
found by looking at each of them.
"""

from __future__ import annotations

import json
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

_FOLDER = Path(__file__).parents[1] / "envkit" / "torchbuild"
# Smallest driver for a CUDA major, on Linux and on Windows.
_DRIVERS = {13: ((580,), (580,)), 12: ((525, 60, 13), (528, 33)), 11: ((450, 80, 2), (452, 39))}


@dataclass(frozen=True)
class Build:
    """One wheel: version, CUDA (none for a build without), its kernels, and the driver that it needs."""

    torch: tuple[int, ...]
    variant: str
    cuda: tuple[int, int] | None
    cubins: tuple[tuple[int, int], ...]
    ptx: tuple[int, int] | None
    driver: tuple[int, ...]


@dataclass(frozen=True)
class Cell:
    """One machine of the grid: the GPUs' compute capabilities, the driver, system, processor and Python."""

    capabilities: tuple[str, ...]
    driver: str
    system: str
    machine: str
    python: str


def suits(build: Build, cell: Cell) -> bool:
    """Tell whether the driver runs the build and every GPU has kernels in it."""
    if build.cuda is None:
        return True
    return numbers(cell.driver) >= build.driver and all(
        runs_on(build.cubins, build.ptx, capability) for capability in cell.capabilities
    )


def runs_on(cubins: tuple[tuple[int, int], ...], ptx: tuple[int, int] | None, capability: str) -> bool:
    """Tell whether a GPU runs machine code of its own major up to its minor, or later intermediate code."""
    major, minor = pair(capability)
    native = [code for code in cubins if code[0] == major and code[1] <= minor]
    return bool(native) or (ptx is not None and ptx <= (major, minor))


def best(cell: Cell) -> Build | None:
    """Return the newest torch, then the newest CUDA, of all that suit; None where no CUDA build does."""
    found = [
        build for build in wheels(cell.system, cell.machine, cell.python) if build.cuda and suits(build, cell)
    ]
    return max(found, key=lambda build: (build.torch, build.cuda), default=None)


def has_wheels(cell: Cell) -> bool:
    """Tell whether there is any wheel for this system, processor and Python."""
    return bool(wheels(cell.system, cell.machine, cell.python))


def find(cell: Cell, version: str, variant: str) -> Build | None:
    """Return the wheel of this version and variant for a cell, None if there is none."""
    public = numbers(version.partition("+")[0])
    for build in wheels(cell.system, cell.machine, cell.python):
        if build.torch == public and build.variant == variant:
            return build
    return None


@cache
def wheels(system: str, machine: str, python: str) -> tuple[Build, ...]:
    """Return every wheel for a system, a processor (``x86_64``, ``aarch64``) and a Python."""
    hand = tomllib.loads((_FOLDER / "table.toml").read_text(encoding="utf-8"))
    index = json.loads((_FOLDER / "index.json").read_text(encoding="utf-8"))
    processor = "arm64" if system == "darwin" and machine == "aarch64" else machine
    found = []
    for release in index["releases"]:
        spans = [
            row["python"]
            for row in release["systems"]
            if (row["system"], row["machine"]) == (system, processor)
        ]
        if not any(pair(first) <= pair(python) <= pair(last) for first, last in spans):
            continue
        for version in release["versions"]:
            minor = ".".join(version.split(".")[:2])
            for row in hand["builds"]:
                is_it = minor in row["torch"] or version in row["torch"]
                if is_it and row["machine"] == processor and system in row["systems"]:
                    found.append(_build(version, row, system))
            if system == "darwin":
                found.append(Build(numbers(version), "mps", None, (), None, ()))
    return tuple(found)


def numbers(text: str) -> tuple[int, ...]:
    """Return a version's numbers."""
    return tuple(int(part) for part in text.split("."))


def pair(text: str) -> tuple[int, int]:
    """Return the two numbers of ``8.6`` or ``3.11``."""
    first, second = text.split(".")
    return int(first), int(second)


def _build(version: str, row: dict[str, list[str]], system: str) -> Build:
    variant = str(row["variant"])
    if not variant.startswith("cu"):
        return Build(numbers(version), variant, None, (), None, ())
    cuda = int(variant[2:4]), int(variant[4:])
    return Build(
        torch=numbers(version),
        variant=variant,
        cuda=cuda,
        cubins=tuple(pair(each) for each in row["capabilities"]),
        ptx=pair(str(row["ptx"])) if "ptx" in row else None,
        driver=_DRIVERS[cuda[0]][system == "windows"],
    )
