"""The table of torch builds: ``table.toml`` as frozen records, and the look-ups in it."""

from __future__ import annotations

import datetime
import functools
import tomllib
from pathlib import Path

import msgspec
from packaging.version import Version

_FILE = Path(__file__).with_name("table.toml")


class Row(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What every row says of itself: where its facts are from, and when they were read there."""

    source: str
    date: datetime.date


class Driver(Row, frozen=True, kw_only=True):
    """The oldest drivers that run a CUDA major."""

    cuda: int
    linux: str
    windows: str


class ReleaseSystem(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A system that releases have wheels for; ``needs`` is its oldest glibc or macOS."""

    system: str
    machine: str
    needs: str


class Release(Row, frozen=True, kw_only=True):
    """Releases with the same wheels; ``python`` is the first and the last minor version."""

    versions: tuple[str, ...]
    python: tuple[str, str]
    systems: tuple[ReleaseSystem, ...]


class Default(Row, frozen=True, kw_only=True):
    """The variant of the package index's own wheels; ``torch`` holds minor versions."""

    torch: tuple[str, ...]
    system: str
    machines: tuple[str, ...]
    variant: str


class Build(Row, frozen=True, kw_only=True):
    """A CUDA build for Linux and the compute capabilities that it has machine code for.

    ``ptx`` is the one that it also has intermediate code for, which newer GPUs compile at start.
    """

    torch: tuple[str, ...]
    variant: str
    machine: str
    capabilities: tuple[str, ...]
    ptx: str | None = None


class Table(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All rows, and what can be asked of them."""

    drivers: tuple[Driver, ...]
    releases: tuple[Release, ...]
    defaults: tuple[Default, ...]
    builds: tuple[Build, ...]

    @property
    def newest(self) -> Version:
        """Return the newest torch that the table knows."""
        return max(Version(version) for release in self.releases for version in release.versions)

    def find_default(self, version: Version, *, system: str, machine: str) -> str | None:
        """Return the variant of the package index's wheel of this version, None if it is not known.

        A version newer than the table is taken to be like the newest one in it.
        """
        known = minor_of(self.newest if self._is_newer(version) else version)
        for row in self.defaults:
            if system == row.system and machine in row.machines and known in row.torch:
                return row.variant
        return None

    def find_build(self, version: Version, variant: str, *, machine: str) -> Build | None:
        """Return the CUDA build, None if it is not known.

        One newer than the table is taken to hold what the newest of its variant holds, or else the newest
        of its CUDA major.
        """
        rows = [row for row in self.builds if row.machine == machine]
        exact = [row for row in rows if row.variant == variant and minor_of(version) in row.torch]
        if exact or not self._is_newer(version):
            return exact[0] if exact else None
        rows.sort(key=lambda row: (max(map(Version, row.torch)), row.variant), reverse=True)
        same = [row for row in rows if row.variant == variant]
        alike = [row for row in rows if row.variant[:-1] == variant[:-1]]
        return next(iter(same or alike), None)

    def _is_newer(self, version: Version) -> bool:
        return version.release[:2] > self.newest.release[:2]


def minor_of(version: Version) -> str:
    """Return a version's first two numbers, as the table's rows name it."""
    return f"{version.major}.{version.minor}"


@functools.cache
def load_table() -> Table:
    """Return envkit's own table."""
    return msgspec.convert(tomllib.loads(_FILE.read_text(encoding="utf-8")), Table)
