"""Decide on packages with rattler. Runs in the process that uses rattler."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from envkit.environments.conda.jobs import Answer, Failed, Package, Solved, SolveJob, Step
from envkit.environments.conda.known_packages import remember
from envkit.environments.conda.network import make_gateway

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rattler import Channel, Gateway, GenericVirtualPackage, RepoDataRecord, Subdir
    from rattler.exceptions import SolverError
    from rattler.networking.client import Client

_NEAR_NAMES = 3


async def solve_packages(job: SolveJob, *, client: Client, say: Callable[[Answer], None]) -> Solved | Failed:
    """Return the packages that meet all specs, those that everything else needs first.

    Raises: rattler's errors.
    """
    from rattler import Channel, ChannelPriority, MatchSpec, PackageRecord, Subdir, solve
    from rattler.exceptions import SolverError

    cache_dir = Path(job.cache_dir)
    gateway = make_gateway(job.network, client=client, cache_dir=cache_dir)
    channels = [Channel(channel.url) for channel in job.channels]
    say(Step(f"reading {', '.join(channel.name for channel in job.channels)}"))
    platforms = [Subdir(job.subdir), Subdir("noarch")]
    kept = await _find_again(job.prefer, gateway=gateway, channels=channels, platforms=platforms)
    try:
        records = await solve(
            channels,
            [MatchSpec(spec) for spec in job.specs],
            gateway=gateway,
            platforms=platforms,
            locked_packages=kept,
            virtual_packages=[_virtual_package(each) for each in job.virtual_packages],
            channel_priority=getattr(ChannelPriority, job.priority.capitalize()),
        )
    except SolverError as error:
        return await _unsolvable(error, job, gateway=gateway, channels=channels, platforms=platforms)
    names = {channel.url: channel.name for channel in job.channels}
    for record in records:
        remember(record, cache_dir=cache_dir)
    ordered = PackageRecord.sort_topologically(list(records))
    by_name = {record.name.normalized: record for record in records}
    return Solved(tuple(_package(by_name[record.name.normalized], names) for record in ordered))


async def _unsolvable(
    error: SolverError,
    job: SolveJob,
    *,
    gateway: Gateway,
    channels: Sequence[Channel],
    platforms: list[Subdir],
) -> Failed:
    """Return why there is no solution; where a package is in no channel, with the names that are like its."""
    from difflib import get_close_matches

    from rattler import MatchSpec

    known = {name.normalized for name in await gateway.names(channels, platforms)}
    asked = [MatchSpec(spec).name.as_package_name() for spec in job.specs]  # None for a pattern
    names = [name.normalized for name in asked if name is not None]
    missing = next((name for name in names if name not in known and not name.startswith("__")), "")
    near = tuple(get_close_matches(missing, known, n=_NEAR_NAMES)) if missing else ()
    return Failed(type(error).__name__, str(error), missing=missing, near=near)


async def _find_again(
    prefer: Sequence[Package], *, gateway: Gateway, channels: Sequence[Channel], platforms: list[Subdir]
) -> list[RepoDataRecord]:
    """Return the channels' records of packages that an earlier base held, where they are still offered."""
    if not prefer:
        return []
    found = await gateway.query(channels, platforms, [package.name for package in prefer], recursive=False)
    wanted = {(package.name, package.version, package.build, package.sha256) for package in prefer}
    return [record for records in found for record in records if _identity(record) in wanted]


def _identity(record: RepoDataRecord) -> tuple[str, str, str, str]:
    sha256 = record.sha256.hex() if record.sha256 else ""
    return record.name.normalized, str(record.version), str(record.build), sha256


def _virtual_package(text: str) -> GenericVirtualPackage:
    """Read ``name=version=build``, of which the build may be left out."""
    from rattler import GenericVirtualPackage, PackageName, Version
    from rattler.package import BuildString

    name, version, build = (*text.split("="), "0", "0")[:3]
    return GenericVirtualPackage(PackageName(name), Version(version), BuildString(build))


def _package(record: RepoDataRecord, names: dict[str, str]) -> Package:
    # One asked for by its address is of no channel: it stands for one of the folder that has its subdir.
    channel = record.channel or f"{record.url.rsplit('/', 2)[0]}/"
    return Package(
        name=record.name.normalized,
        version=str(record.version),
        build=str(record.build),
        channel=names.get(f"{channel.rstrip('/')}/", channel),
        url=record.url,
        sha256=record.sha256.hex() if record.sha256 else "",
        size=record.size,
    )
