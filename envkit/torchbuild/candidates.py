"""List every torch build that could be chosen, each with what stands against it. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from packaging.version import Version

from envkit.torchbuild.fit import (
    Obstacle,
    check_driver,
    check_kernels,
    check_release,
    cuda_of,
    usable_gpus,
)
from envkit.torchbuild.table import minor_of
from envkit.torchbuild.wheels import check_tags

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from packaging.specifiers import SpecifierSet

    from envkit.machine import MachineFacts
    from envkit.torchbuild.records import LocalWheel, Source
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
    def is_cuda(self) -> bool:
        """Tell whether it computes on NVIDIA GPUs."""
        return cuda_of(self.variant) is not None

    @property
    def rank(self) -> tuple[Version, tuple[int, int], bool]:
        """Return the order of preference: newer torch, newer CUDA, and of the same the package index's.

        All else that is installed comes from there too.
        """
        return (
            Version(self.version.public),
            cuda_of(self.variant) or (0, 0),
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
        return version.local.partition(".")[0]  # of cu121.with.pypi.cudnn, what comes first
    platform = facts.platform
    return table.find_default(version, system=platform.system, machine=platform.machine)


def list_index_builds(
    facts: MachineFacts, wanted: Wanted, *, torch_index: str, table: Table
) -> Iterator[Candidate]:
    """Yield the builds that the indexes hold for this system, in no order."""
    platform = facts.platform
    for release in table.releases:
        common = tuple(check_release(facts, release, python=wanted.python))
        for text in release.versions:
            version = Version(text)
            default = table.find_default(version, system=platform.system, machine=platform.machine)
            places: list[tuple[str, str, Source, str]] = []
            if platform.system == "linux":
                for variant in _linux_variants(version, platform.machine, table):
                    location = f"{torch_index.rstrip('/')}/{variant}"
                    places.append((f"{text}+{variant}", variant, "torch index", location))
            if default or platform.system != "linux":
                places.append((text, default or "cpu", "package index", ""))
            for pin, variant, source, location in places:
                yield Candidate(
                    version=Version(pin),
                    variant=variant,
                    source=source,
                    location=location,
                    obstacles=(
                        *common,
                        *_check_range(Version(pin), wanted),
                        *check_cuda(facts, Version(pin), variant, table=table),
                    ),
                )


def list_local_builds(
    facts: MachineFacts, wanted: Wanted, *, wheels: Sequence[LocalWheel], table: Table
) -> Iterator[Candidate]:
    """Yield the builds that lie in find-links, in no order."""
    for wheel in wheels:
        version = Version(wheel.version)
        variant = variant_of(version, facts, table=table) or "cpu"
        tags = check_tags(wheel.filename, facts.platform, python=wanted.python)
        yield Candidate(
            version=version,
            variant=variant,
            source="find-links",
            location=wheel.location,
            filename=wheel.filename,
            obstacles=(
                *((tags,) if tags else ()),
                *_check_range(version, wanted),
                *check_cuda(facts, version, variant, table=table),
            ),
        )


def check_cuda(facts: MachineFacts, version: Version, variant: str, *, table: Table) -> Iterator[Obstacle]:
    """Yield what keeps a build from computing on this machine's GPUs; without GPUs nothing does."""
    if variant.startswith(("rocm", "xpu")):
        yield Obstacle("envkit does not choose builds for AMD and Intel GPUs yet")
    gpus = usable_gpus(facts)
    if gpus and cuda_of(variant):
        driver = check_driver(facts, variant, table=table)
        kernels = check_kernels(gpus, table.find_build(version, variant, machine=facts.platform.machine))
        yield from (obstacle for obstacle in (driver, kernels) if obstacle)


def _linux_variants(version: Version, machine: str, table: Table) -> Iterator[str]:
    yield "cpu"
    minor = minor_of(version)
    yield from (row.variant for row in table.builds if row.machine == machine and minor in row.torch)


def _check_range(version: Version, wanted: Wanted) -> tuple[Obstacle, ...]:
    if wanted.specifier.contains(version):
        return ()
    return (Obstacle(f"the requirement torch{wanted.specifier} leaves it out"),)
