"""Checks of the disks: room, files that can still be made, links, locks and permissions."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from envkit.api.checks import Check, Finding
from envkit.doctor.runner import Unmade
from envkit.environments.records import format_size
from envkit.machine.places import ENVIRONMENTS, HUB_CACHE, RUNS, TEMPORARY, UV_CACHE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from envkit.api.checks import CheckContext
    from envkit.api.facts import Disk, MachineFacts
    from envkit.doctor.surroundings import Surroundings

# What a run with checkpoints of a small model, a model from the hub, or a package being built takes at least.
_SMALL = 1_000_000_000
# An environment with torch and transformers has about 25,000 files, and uv's cache has as many.
_FILES_NEEDED = 60_000
# Its files, such as the list of mounts, are no folder of a user's.
_KERNEL = ("/proc/", "/sys/")
# The variable that moves each folder to another disk.
_SETTINGS = {
    ENVIRONMENTS: "ENVKIT_HOME",
    UV_CACHE: "UV_CACHE_DIR",
    HUB_CACHE: "HF_HOME",
    TEMPORARY: "TMPDIR",
}
# Without these nothing can be installed.
_NEEDED_TO_INSTALL = (ENVIRONMENTS, UV_CACHE, TEMPORARY)


def checks(surroundings: Surroundings) -> tuple[Check, ...]:
    """Return the checks of disks."""
    return (
        Check(
            id="disk.space",
            summary="The disks have room for an environment",
            needs=("disks", "hard_links", "uv"),
            run=_whole(lambda context: _check_space(context, surroundings.disk_needed)),
        ),
        Check(
            id="disk.inodes",
            summary="The disks can take more files",
            needs=("disks",),
            run=_whole(_check_inodes),
        ),
        Check(
            id="disk.writable",
            summary="The folders of envkit can be written",
            needs=("disks",),
            run=_whole(_check_writable),
        ),
        Check(
            id="disk.hard-links",
            summary="uv links packages into environments instead of copying them",
            needs=("disks", "hard_links"),
            run=_whole(_check_hard_links),
        ),
        Check(
            id="disk.network",
            summary="Environments lie on a disk of this machine",
            needs=("disks",),
            run=_whole(_check_network),
        ),
    )


def _whole(run: Callable[[CheckContext], Iterable[Finding]]) -> Callable[[CheckContext], Iterator[Finding]]:
    """Return the check with a word on each folder that it could not look at."""

    def run_whole(context: CheckContext) -> Iterator[Finding]:
        yield from run(context)
        unread = [
            f"{each.what}: {each.why}"
            for each in context.facts.unread
            if each.part == "disks" and not each.what.startswith(_KERNEL)
        ]
        if unread:
            others = f", and {len(unread) - 1} more" if len(unread) > 1 else ""
            yield Unmade(severity="skip", summary=f"not judged: {unread[0]}{others}", evidence=tuple(unread))

    return run_whole


def _check_space(context: CheckContext, needed: int) -> Iterator[Finding]:
    facts = context.facts
    disks = [disk for disk in facts.disks if disk.purpose in (*_SETTINGS, RUNS)]
    for held in _by_disk(disks):
        free = held[0].free
        wanted = sum(_wanted(disk, held, facts, needed) for disk in held)
        installed = [disk for disk in held if _wanted(disk, held, facts, needed) > _SMALL]
        if free >= wanted:
            continue
        is_fatal = bool(installed) and free < needed
        takes = f"an environment takes about {format_size(needed)}" if installed else "a run takes more"
        yield Finding(
            severity="error" if is_fatal else "warn",
            summary=f"The disk of {held[0].mount or held[0].existing} has {format_size(free)} free: {takes}",
            evidence=_places(held),
            fix=_make_room(facts, held, wanted),
        )


def _wanted(disk: Disk, held: list[Disk], facts: MachineFacts, needed: int) -> int:
    """Return how many bytes will be wanted in this folder."""
    if disk.purpose == ENVIRONMENTS:
        return needed
    if disk.purpose == UV_CACHE:
        # What is linked is on the disk once.
        is_shared = facts.hard_links.works is not False and any(d.purpose == ENVIRONMENTS for d in held)
        return 0 if is_shared else needed
    return 0 if any(each.purpose == ENVIRONMENTS for each in held) else _SMALL


def _make_room(facts: MachineFacts, held: list[Disk], wanted: int) -> str:
    setting, folder = next(
        ((_SETTINGS[each.purpose], each.purpose) for each in held if each.purpose in _SETTINGS), ("", "")
    )
    prune = f"{shlex.quote(facts.uv.path or 'uv')} cache prune"
    if not setting:
        return "Start runs in a folder of a larger disk, or free some space: envkit clean"
    roomy = [
        disk
        for disk in facts.disks
        if disk.free > 2 * wanted and disk.is_writable and not disk.is_network and disk.purpose != TEMPORARY
    ]
    larger = max(roomy, key=lambda disk: disk.free, default=None)
    place = shlex.quote(str(Path(larger.existing, folder.replace(" ", "-")))) if larger else "DIR"
    return f"Free some space ({prune}; envkit env remove), or take a larger disk: export {setting}={place}"


def _check_inodes(context: CheckContext) -> Iterator[Finding]:
    for held in _by_disk(disk for disk in context.facts.disks if disk.inodes_total):
        free = held[0].inodes_free
        if free is None or free >= _FILES_NEEDED:
            continue
        place = held[0].mount or held[0].existing
        yield Finding(
            severity="error" if free == 0 else "warn",
            summary=f"The disk of {place} takes only {free:,} more files, whatever room it has",
            evidence=(f"{free:,} of {held[0].inodes_total:,} inodes are free (df -i)", *_places(held)),
            fix=f"See which folders have the most files: du --inodes -xd 3 {shlex.quote(place)} | sort -n | tail",
        )


def _check_writable(context: CheckContext) -> Iterator[Finding]:
    for disk in context.facts.disks:
        if disk.is_writable is not False or disk.purpose not in (*_SETTINGS, RUNS):
            continue
        setting = _SETTINGS.get(disk.purpose)
        yield Finding(
            severity="error" if disk.purpose in _NEEDED_TO_INSTALL else "warn",
            summary=f"{_title(disk.purpose)} cannot be written: {disk.path}",
            evidence=(_mount_words(disk),),
            fix=f"Take a folder that is yours: export {setting}=DIR"
            if setting
            else "Start envkit in a folder that is yours",
        )


def _check_hard_links(context: CheckContext) -> Iterator[Finding]:
    links = context.facts.hard_links
    if links.works is not False:
        return
    found = {disk.purpose: disk for disk in context.facts.disks}
    environments, cache = found.get(ENVIRONMENTS), found.get(UV_CACHE)
    pair = [each for each in (environments, cache) if each is not None]
    is_same = len(pair) == 2 and len(_by_disk(pair)) == 1
    fix = "Put environments on a file system that has links (ext4, xfs, btrfs, apfs): export ENVKIT_HOME=DIR"
    if environments is not None and not is_same:
        beside = Path(environments.path).parent / "uv-cache"
        fix = f"Keep both on one disk: export UV_CACHE_DIR={shlex.quote(str(beside))}"
    yield Finding(
        severity="warn",
        summary="Every environment holds its own copy of torch: uv cannot link to its cache",
        evidence=(*((links.why,) if links.why else ()), *_places(pair)),
        fix=fix,
    )


def _check_network(context: CheckContext) -> Iterator[Finding]:
    far = [
        disk for disk in context.facts.disks if disk.is_network and disk.purpose in (ENVIRONMENTS, UV_CACHE)
    ]
    for held in _by_disk(far):
        settings = " ".join(f"{_SETTINGS[disk.purpose]}=DIR" for disk in held)
        names = " and ".join(disk.purpose for disk in held)
        yield Finding(
            severity="warn",
            summary=f"{names[0].upper()}{names[1:]} lie across the network: slow, and locks may not hold",
            evidence=tuple(f"{disk.purpose}: {disk.path}; {_mount_words(disk)}" for disk in held),
            fix=f"Take a disk of this machine: export {settings}",
        )


def _by_disk(disks: Iterable[Disk]) -> list[list[Disk]]:
    """Return the folders that share a disk, together."""
    found: dict[object, list[Disk]] = {}
    for disk in disks:
        found.setdefault(disk.mount or (disk.total, disk.free), []).append(disk)
    return list(found.values())


def _places(disks: Iterable[Disk]) -> tuple[str, ...]:
    return tuple(f"{disk.purpose}: {disk.path}" for disk in disks if disk.purpose)


def _title(purpose: str) -> str:
    return f"The folder of {purpose}" if purpose != UV_CACHE else "The folder of uv's cache"


def _mount_words(disk: Disk) -> str:
    if disk.mount and disk.file_system:
        return f"{disk.mount} is {disk.file_system}"
    return f"{disk.existing} is there"
