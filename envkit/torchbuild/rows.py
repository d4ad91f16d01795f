"""The rows of the table of torch builds, as frozen records."""

from __future__ import annotations

import datetime
from functools import lru_cache
from typing import Literal

import msgspec
from packaging.version import Version

Family = Literal["CUDA", "ROCm", "XPU", "MPS", "CPU"]


class Row(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True, cache_hash=True
):
    """What every row says of itself: where its facts are from, when they were read there, and on which
    hardware envkit itself ever ran what the row says (``run_on``, empty for never).
    """

    source: str
    date: datetime.date
    run_on: str = ""


class Driver(Row, frozen=True, kw_only=True):
    """The oldest drivers that run a CUDA major."""

    cuda: int
    linux: str
    windows: str


class Place(Row, frozen=True, kw_only=True):
    """A kind of machine, and whose drivers count there; ``note`` is what its user has to know."""

    name: Literal["linux", "windows", "wsl"]
    drivers: Literal["linux", "windows"]
    note: str = ""


class Limit(Row, frozen=True, kw_only=True):
    """The newest of a kind that the rows were written with."""

    subject: Literal["driver", "compute capability"]
    newest: str


class ReleaseSystem(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True
):
    """A system that releases have wheels for; ``needs`` is its oldest glibc or macOS, empty for any.

    ``python`` is the first and the last minor version.
    """

    system: str
    machine: str
    needs: str
    python: tuple[str, str]


class Release(Row, frozen=True, kw_only=True):
    """Releases with the same wheels."""

    versions: tuple[str, ...]
    systems: tuple[ReleaseSystem, ...]

    def pythons(self, *, system: str | None = None, machine: str | None = None) -> tuple[str, str]:
        """Return the first and the last Python on a system, or on any."""
        rows = [
            row for row in self.systems if system is None or (row.system, row.machine) == (system, machine)
        ] or list(self.systems)
        first = min((row.python[0] for row in rows), key=Version)
        return first, max((row.python[1] for row in rows), key=Version)


class Default(Row, frozen=True, kw_only=True):
    """The variant of the package index's own wheels; ``torch`` holds minor versions."""

    torch: tuple[str, ...]
    system: str
    machines: tuple[str, ...]
    variant: str


class Build(Row, frozen=True, kw_only=True):
    """A build in the torch index, and the GPUs that it has machine code for.

    ``torch`` holds minor versions (``2.13``), or whole ones where not all of a minor have the build.
    ``capabilities`` are NVIDIA's, ``ptx`` the one that it also has intermediate code for, which newer GPUs
    compile at start; ``targets`` are AMD's as the compiler names them, or the first digits of Intel's device
    numbers.
    """

    torch: tuple[str, ...]
    variant: str
    machine: str
    systems: tuple[str, ...] = ("linux",)
    capabilities: tuple[str, ...] = ()
    ptx: str | None = None
    targets: tuple[str, ...] = ()

    def holds(self, version: Version) -> bool:
        """Tell whether there is such a build of this version."""
        minor, public = _names_of(version)
        return minor in self.torch or public in self.torch


class Size(Row, frozen=True, kw_only=True):
    """What a build and all that it brings along take, in bytes: to fetch, and on disk."""

    torch: tuple[str, ...]
    variant: str
    system: str
    machine: str
    download: int
    disk: int
    is_estimate: bool = False


class Partner(Row, frozen=True, kw_only=True):
    """Releases of a package that is compiled against torch, and the torch that they go with."""

    package: str
    versions: tuple[str, ...]
    torch: str


class IndexTable(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the package index tells of its own wheels."""

    releases: tuple[Release, ...]
    defaults: tuple[Default, ...]
    sizes: tuple[Size, ...]
    partners: tuple[Partner, ...]


class HandTable(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What no index tells: drivers, kernels, and sizes in the torch index."""

    drivers: tuple[Driver, ...]
    places: tuple[Place, ...]
    limits: tuple[Limit, ...]
    builds: tuple[Build, ...]
    sizes: tuple[Size, ...]
    partners: tuple[Partner, ...]
    defaults: tuple[Default, ...]


@lru_cache(maxsize=4096)
def parse_version(text: str) -> Version:
    """Return a version; the same texts come again and again."""
    return Version(text)


def minor_of(version: Version) -> str:
    """Return a version's first two numbers, as the table's rows name it."""
    return _names_of(version)[0]


def public_of(version: Version) -> str:
    """Return a version without its local tag: ``2.14.1``."""
    return _names_of(version)[1]


@lru_cache(maxsize=4096)
def _names_of(version: Version) -> tuple[str, str]:
    return f"{version.major}.{version.minor}", version.public
