"""What newer releases of torch no longer serve of a machine. Pure."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from packaging.version import Version

from envkit.torchbuild.accelerators import accelerated_gpus, check_accelerator
from envkit.torchbuild.fit import check_driver, check_release, has_kernels, name_gpus, usable_gpus
from envkit.torchbuild.rows import minor_of, parse_version
from envkit.torchbuild.variants import family_of, machine_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from envkit.machine import Gpu, MachineFacts
    from envkit.torchbuild.candidates import Candidate, Wanted
    from envkit.torchbuild.rows import Build
    from envkit.torchbuild.table import Table


def find_endings(facts: MachineFacts, chosen: Candidate, wanted: Wanted, *, table: Table) -> tuple[str, ...]:
    """Return what is about to be lost, or is: ``no wheels for this GPU from torch 2.15 on``.

    It is asked of all releases in the table that are newer than the chosen one.
    """
    newer = _newer_minors(chosen.version, table)
    if not newer:
        return ()
    return tuple(
        f"no wheels for {what} from torch {minor} on"
        for what, is_served in _questions(facts, chosen, wanted, table)
        if (minor := _first_without(newer, is_served)) is not None
    )


def _questions(
    facts: MachineFacts, chosen: Candidate, wanted: Wanted, table: Table
) -> Iterator[tuple[str, Callable[[str], bool]]]:
    """Yield what a machine has, and whether a minor release serves it."""
    platform = facts.platform
    yield f"Python {wanted.python}", partial(_serves_python, facts, wanted.python, table)
    if platform.system == "darwin" and platform.os_version:
        yield f"macOS {platform.os_version}", partial(_serves_system, facts, wanted.python, table)
    elif platform.libc == "glibc" and platform.libc_version:
        yield f"glibc {platform.libc_version}", partial(_serves_system, facts, wanted.python, table)
    if chosen.is_cuda and (gpus := usable_gpus(facts)):
        lone = _lone_gpus(facts, gpus, table)
        for alike in lone:
            what = "this GPU" if len(gpus) == 1 else name_gpus(alike)
            yield what, partial(_serves_gpus, facts, alike[:1], table)
        if len(gpus) > 1:
            yield "all these GPUs together", partial(_serves_gpus, facts, gpus, table)
        if not lone:
            yield f"driver {facts.nvidia.driver_version}", partial(_serves_driver, facts, gpus, table)
    if chosen.family in ("ROCm", "XPU") and accelerated_gpus(facts, chosen.family, table=table):
        yield "this GPU", partial(_serves_accelerator, facts, chosen.family, table)


def _lone_gpus(facts: MachineFacts, gpus: tuple[Gpu, ...], table: Table) -> list[tuple[Gpu, ...]]:
    """Return the GPUs that the newest release does not serve, those together that the same releases serve."""
    minors = _minors(table)
    by_capability: dict[str | None, list[Gpu]] = {}
    for gpu in gpus:
        by_capability.setdefault(gpu.compute_capability, []).append(gpu)
    found: dict[tuple[str, ...], list[Gpu]] = {}
    for alike in by_capability.values():
        served = tuple(minor for minor in minors if _serves_gpus(facts, (alike[0],), table, minor))
        if minors[-1] not in served:
            found.setdefault(served, []).extend(alike)
    return [tuple(each) for each in found.values()]


def _first_without(minors: list[str], is_served: Callable[[str], bool]) -> str | None:
    """Return the first release from which on none serves."""
    first = None
    for minor in reversed(minors):
        if is_served(minor):
            break
        first = minor
    return first


def _serves_python(facts: MachineFacts, python: str, table: Table, minor: str) -> bool:
    platform = facts.platform
    here = (platform.system, machine_of(platform))
    rows = [
        row
        for release in table.releases
        if any(minor_of(parse_version(text)) == minor for text in release.versions)
        for row in release.systems
        if (row.system, row.machine) == here
    ]
    wanted = parse_version(python)
    bounds = [(parse_version(row.python[0]), parse_version(row.python[1])) for row in rows]
    return not rows or any(first <= wanted <= last for first, last in bounds)


def _serves_system(facts: MachineFacts, python: str, table: Table, minor: str) -> bool:
    if not _serves_python(facts, python, table, minor):
        return True  # said of Python already
    return any(
        not check_release(facts, release, python=python)
        for release in table.releases
        if any(minor_of(parse_version(text)) == minor for text in release.versions)
    )


def _serves_gpus(facts: MachineFacts, gpus: tuple[Gpu, ...], table: Table, minor: str) -> bool:
    return any(True for _ in _builds_for(facts, gpus, table, minor))


def _serves_driver(facts: MachineFacts, gpus: tuple[Gpu, ...], table: Table, minor: str) -> bool:
    builds = list(_builds_for(facts, gpus, table, minor))
    return not builds or any(check_driver(facts, row.variant, table=table) is None for row in builds)


def _serves_accelerator(facts: MachineFacts, family: str, table: Table, minor: str) -> bool:
    rows = [row for row in _rows(facts, table, minor) if family_of(row.variant) == family]
    if not rows:  # nobody told yet which builds there are: taken to be like those before
        older = [each for each in _minors(table) if parse_version(each) < parse_version(minor)]
        return not older or _serves_accelerator(facts, family, table, older[-1])
    version = Version(f"{minor}.0")
    return any(not list(check_accelerator(facts, version, row.variant, table=table)) for row in rows)


def _builds_for(facts: MachineFacts, gpus: tuple[Gpu, ...], table: Table, minor: str) -> Iterator[Build]:
    for row in _rows(facts, table, minor):
        if family_of(row.variant) == "CUDA" and all(
            has_kernels(row, gpu.compute_capability or "", is_jetson=facts.platform.is_jetson) for gpu in gpus
        ):
            yield row


def _rows(facts: MachineFacts, table: Table, minor: str) -> Iterator[Build]:
    platform = facts.platform
    here = machine_of(platform)
    for row in table.builds:
        is_here = row.machine == here and platform.system in row.systems
        if is_here and any(minor_of(parse_version(torch)) == minor for torch in row.torch):
            yield row


def _newer_minors(version: Version, table: Table) -> list[str]:
    chosen = parse_version(minor_of(version))
    return [each for each in _minors(table) if parse_version(each) > chosen]


def _minors(table: Table) -> list[str]:
    minors = {minor_of(parse_version(text)) for release in table.releases for text in release.versions}
    return sorted(minors, key=parse_version)
