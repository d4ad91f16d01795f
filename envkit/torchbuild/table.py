"""The table of torch builds as frozen records, and the look-ups in it.

``table.toml`` is written by hand; ``index.json`` is what the package index itself tells, written by
``python -m envkit.torchbuild.refresh``.
"""

from __future__ import annotations

import functools
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from envkit.torchbuild.rows import (
    Build,
    Default,
    Driver,
    HandTable,
    IndexTable,
    Limit,
    Partner,
    Place,
    Release,
    Size,
    minor_of,
    parse_version,
)

if TYPE_CHECKING:
    from packaging.version import Version

TABLE_FILE = Path(__file__).with_name("table.toml")
INDEX_FILE = Path(__file__).with_name("index.json")


class Table(msgspec.Struct, frozen=True, kw_only=True):
    """All rows, and what can be asked of them."""

    drivers: tuple[Driver, ...]
    places: tuple[Place, ...]
    limits: tuple[Limit, ...]
    releases: tuple[Release, ...]
    defaults: tuple[Default, ...]
    builds: tuple[Build, ...]
    sizes: tuple[Size, ...]
    partners: tuple[Partner, ...]

    @property
    def newest(self) -> Version:
        """Return the newest torch that the table knows."""
        return max(parse_version(version) for release in self.releases for version in release.versions)

    @property
    def oldest(self) -> Version:
        """Return the oldest torch that the table knows."""
        return min(parse_version(version) for release in self.releases for version in release.versions)

    def find_default(self, version: Version, *, system: str, machine: str) -> str | None:
        """Return the variant of the package index's wheel of this version, None if it is not known.

        A version newer than the table is taken to be like the newest one in it.
        """
        row = self.find_default_row(version, system=system, machine=machine)
        return None if row is None else row.variant

    def find_default_row(self, version: Version, *, system: str, machine: str) -> Default | None:
        """Return the row of the package index's wheel of this version, None if there is none."""
        known = minor_of(self.newest if self.is_newer(version) else version)
        for row in self.defaults:
            if system == row.system and machine in row.machines and known in row.torch:
                return row
        return None

    def builds_of(self, version: Version, *, system: str, machine: str) -> list[Build]:
        """Return the builds of this version in the torch index for a system."""
        return [
            row
            for row in self.builds
            if row.machine == machine and system in row.systems and row.holds(version)
        ]

    def find_build(
        self, version: Version, variant: str, *, machine: str, system: str = "linux"
    ) -> Build | None:
        """Return the build, None if it is not known.

        One newer than the table is taken to hold what the newest of its variant holds, or else the newest
        of its CUDA or ROCm major.
        """
        rows = [row for row in self.builds if row.machine == machine and system in row.systems]
        exact = [row for row in rows if row.variant == variant and row.holds(version)]
        if exact or not self.is_newer(version):
            return exact[0] if exact else None
        rows.sort(key=lambda row: (max(map(parse_version, row.torch)), row.variant), reverse=True)
        same = [row for row in rows if row.variant == variant]
        alike = [row for row in rows if _major_of(row.variant) == _major_of(variant)]
        return next(iter(same or alike), None)

    def find_size(self, version: Version, variant: str, *, system: str, machine: str) -> Size | None:
        """Return what a build takes: as measured, or else as the nearest release of the same variant."""
        rows = [
            row
            for row in self.sizes
            if (row.system, row.machine) == (system, machine)
            and (row.variant == variant or _major_of(row.variant) == _major_of(variant) != "")
        ]
        exact = [row for row in rows if row.variant == variant and minor_of(version) in row.torch]
        if exact:
            return min(exact, key=lambda row: row.is_estimate)
        nearest = min(rows, key=lambda row: (row.variant != variant, _distance(row, version)), default=None)
        return nearest and msgspec.structs.replace(nearest, is_estimate=True)

    def limit(self, subject: str) -> str:
        """Return the newest driver or compute capability that the rows were written with."""
        return next(row.newest for row in self.limits if row.subject == subject)

    def is_newer(self, version: Version) -> bool:
        """Tell whether a version is of a minor release that the table does not reach."""
        return version.release[:2] > self.newest.release[:2]


@functools.cache
def load_table() -> Table:
    """Return envkit's own table."""
    return merge_tables(read_hand_table(), read_index_table())


def read_hand_table(file: Path = TABLE_FILE) -> HandTable:
    """Return the rows that are written by hand."""
    return msgspec.convert(tomllib.loads(file.read_text(encoding="utf-8")), HandTable)


def read_index_table(file: Path = INDEX_FILE) -> IndexTable:
    """Return the rows that the package index told."""
    return msgspec.json.decode(file.read_bytes(), type=IndexTable)


def merge_tables(hand: HandTable, index: IndexTable) -> Table:
    """Return both as one."""
    return Table(
        drivers=hand.drivers,
        places=hand.places,
        limits=hand.limits,
        releases=index.releases,
        defaults=(*index.defaults, *hand.defaults),
        builds=hand.builds,
        sizes=(*index.sizes, *hand.sizes),
        partners=(*index.partners, *hand.partners),
    )


def _major_of(variant: str) -> str:
    """Return CUDA's or ROCm's major of a variant: ``cu13``, ``rocm7``; empty for others."""
    if variant.startswith("rocm"):
        return variant.partition(".")[0]
    return variant[:-1] if variant.startswith("cu") and variant[2:].isdigit() else ""


def _distance(row: Size, version: Version) -> int:
    return min(abs(parse_version(torch).minor - version.minor) for torch in row.torch)
