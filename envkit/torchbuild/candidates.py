"""List every torch build that could be chosen, each with what stands against it. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from packaging.version import Version

from envkit.torchbuild.accelerators import check_accelerator
from envkit.torchbuild.fit import (
    Obstacle,
    check_driver,
    check_interpreter,
    check_kernels,
    check_release,
    usable_gpus,
)
from envkit.torchbuild.rows import parse_version, public_of
from envkit.torchbuild.variants import OWN, cuda_of, family_of, machine_of, rocm_of, tag_of
from envkit.torchbuild.wheels import check_tags, is_plain_linux

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from packaging.specifiers import SpecifierSet

    from envkit.machine import MachineFacts
    from envkit.torchbuild.records import LocalWheel, Source
    from envkit.torchbuild.rows import Family, Release
    from envkit.torchbuild.table import Table


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """A build, where it lies, and what stands against it."""

    version: Version
    variant: str
    source: Source
    location: str
    obstacles: tuple[Obstacle, ...]
    filename: str = ""

    @property
    def family(self) -> Family | None:
        """Return what it computes on; None for somebody's own variant."""
        return family_of(self.variant)

    @property
    def is_cuda(self) -> bool:
        """Tell whether it computes on NVIDIA GPUs."""
        return cuda_of(self.variant) is not None

    @property
    def is_accelerated(self) -> bool:
        """Tell whether it brings the libraries of a GPU's maker, which are gigabytes."""
        return self.family in ("CUDA", "ROCm", "XPU")

    @property
    def rank(self) -> tuple[Version, tuple[int, int], bool]:
        """Return the order of preference: newer torch, newer CUDA or ROCm, and of the same the package index's.

        All else that is installed comes from there too.
        """
        return (
            parse_version(public_of(self.version)),
            cuda_of(self.variant) or rocm_of(self.variant) or (0, 0),
            self.source == "package index",
        )


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What a build has to meet besides the machine: torch's range and Python's minor version."""

    specifier: SpecifierSet
    python: str


def variant_of(version: Version, facts: MachineFacts, *, table: Table) -> str | None:
    """Return the variant of an installed or local torch: its local tag, or else the default's."""
    if version.local is not None:
        return tag_of(version.local)
    platform = facts.platform
    return table.find_default(version, system=platform.system, machine=machine_of(platform))


def list_index_builds(
    facts: MachineFacts, wanted: Wanted, *, torch_index: str, table: Table
) -> Iterator[Candidate]:
    """Yield the builds that the indexes hold for this system, in no order."""
    for release in table.releases:
        common = (
            *check_interpreter(facts, python=wanted.python),
            *check_release(facts, release, python=wanted.python),
        )
        for text in release.versions:
            for pin, variant, source in _places(text, release, facts, table):
                yield Candidate(
                    version=pin,
                    variant=variant,
                    source=source,
                    location=f"{torch_index.rstrip('/')}/{variant}" if source == "torch index" else "",
                    obstacles=(
                        *common,
                        *_check_range(pin, wanted),
                        *check_gpus(facts, pin, variant, table=table),
                    ),
                )


def list_local_builds(
    facts: MachineFacts, wanted: Wanted, *, wheels: Sequence[LocalWheel], table: Table
) -> Iterator[Candidate]:
    """Yield the builds that lie in find-links, in no order."""
    for wheel in wheels:
        version = Version(wheel.version)
        variant = _variant_of_wheel(wheel, facts, table=table)
        tags = check_tags(wheel.filename, facts.platform, python=wanted.python)
        yield Candidate(
            version=version,
            variant=variant,
            source="find-links",
            location=wheel.location,
            filename=wheel.filename,
            obstacles=(
                *check_interpreter(facts, python=wanted.python),
                *((tags,) if tags else ()),
                *_check_range(version, wanted),
                *check_gpus(facts, version, variant, table=table),
            ),
        )


def _variant_of_wheel(wheel: LocalWheel, facts: MachineFacts, *, table: Table) -> str:
    """Return the variant of a wheel in find-links.

    The package index takes no wheel that is tagged ``linux_x86_64`` alone: without a local version, that is
    somebody's own build, such as NVIDIA's for Jetson.
    """
    version = Version(wheel.version)
    if version.local is None and is_plain_linux(wheel.filename):
        return OWN
    return variant_of(version, facts, table=table) or "cpu"


def check_gpus(facts: MachineFacts, version: Version, variant: str, *, table: Table) -> Iterator[Obstacle]:
    """Yield what keeps a build from computing on the GPUs that it is made for; without such GPUs nothing does."""
    if family_of(variant) in ("ROCm", "XPU"):
        yield from check_accelerator(facts, version, variant, table=table)
        return
    gpus = usable_gpus(facts)
    if gpus and cuda_of(variant):
        platform = facts.platform
        build = table.find_build(version, variant, machine=machine_of(platform), system=platform.system)
        driver = check_driver(facts, variant, table=table)
        kernels = check_kernels(gpus, build, is_jetson=platform.is_jetson)
        yield from (obstacle for obstacle in (driver, kernels) if obstacle)


def _places(
    text: str, release: Release, facts: MachineFacts, table: Table
) -> Iterator[tuple[Version, str, Source]]:
    """Yield the builds of a version: what to pin, the variant, and which index has it."""
    system, machine = facts.platform.system, machine_of(facts.platform)
    version = parse_version(text)
    for row in table.builds_of(version, system=system, machine=machine):
        yield parse_version(f"{text}+{row.variant}"), row.variant, "torch index"
    default = table.find_default(version, system=system, machine=machine)
    if default is not None:
        yield version, default, "package index"
    elif not any((row.system, row.machine) == (system, machine) for row in release.systems):
        yield version, "cpu", "package index"  # for the error: there is no such wheel


def _check_range(version: Version, wanted: Wanted) -> tuple[Obstacle, ...]:
    if wanted.specifier.contains(version):
        return ()
    return (Obstacle(f"the requirement torch{wanted.specifier} leaves it out"),)
