"""Hold the table against what the index tells, and say in words what is missing or wrong. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import msgspec

from envkit.torchbuild.rows import IndexTable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from envkit.torchbuild.rows import Row, Size

R = TypeVar("R", bound="Row")

# What torch asks for without a pin becomes newer every week; that alone is no news.
_SAME_SIZE = 0.03


def differences(table: IndexTable, told: IndexTable) -> list[str]:
    """Return a line for each fact that the table lacks, has otherwise, or has and the index has not."""
    return list(_differences(_facts(table), _facts(told)))


def update(table: IndexTable, told: IndexTable) -> IndexTable:
    """Return what the index tells; rows that say the same keep their date and where they were run."""
    return IndexTable(
        releases=tuple(_kept(row, table.releases) for row in told.releases),
        defaults=tuple(_kept(row, table.defaults) for row in told.defaults),
        sizes=tuple(_kept(row, table.sizes) for row in told.sizes),
        partners=tuple(_kept(row, table.partners) for row in told.partners),
    )


def _kept(row: R, known: Iterable[R]) -> R:
    for old in known:
        if msgspec.structs.replace(row, date=old.date, run_on=old.run_on) == old:
            return old
    return row


def _facts(table: IndexTable) -> dict[str, str | Size]:
    found: dict[str, str | Size] = {}
    for release in table.releases:
        for version in release.versions:
            for row in release.systems:
                key = f"torch {version} for {row.system} {row.machine}, Python {row.python[0]} to {row.python[1]}"
                found[key] = f"needs {row.needs or 'nothing'}"
    for default in table.defaults:
        for minor in default.torch:
            for machine in default.machines:
                found[f"the wheels of torch {minor} for {default.system} {machine}"] = default.variant
    for size in table.sizes:
        for minor in size.torch:
            found[f"the size of torch {minor} ({size.variant}) on {size.system} {size.machine}"] = size
    for partner in table.partners:
        for version in partner.versions:
            found[f"{partner.package} {version}"] = f"goes with torch {partner.torch}"
    return found


def _differences(table: dict[str, str | Size], told: dict[str, str | Size]) -> Iterator[str]:
    for key, value in told.items():
        if key not in table:
            yield f"missing: {key}: {_text(value)}"
        elif not _is_same(table[key], value):
            yield f"wrong: {key}: {_text(value)}; the table says {_text(table[key])}"
    for key, value in table.items():
        if key not in told:
            yield f"not in the index: {key}: {_text(value)}"


def _is_same(one: str | Size, other: str | Size) -> bool:
    if isinstance(one, str) or isinstance(other, str):
        return one == other
    pairs = ((one.download, other.download), (one.disk, other.disk))
    return all(abs(left - right) <= _SAME_SIZE * max(left, right) for left, right in pairs)


def _text(value: str | Size) -> str:
    if isinstance(value, str):
        return value
    return f"{value.download / 1e9:.2f} GB to fetch, {value.disk / 1e9:.2f} GB on disk"
