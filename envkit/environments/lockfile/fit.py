"""Which section of a lock fits a machine, and which line of the others does not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from packaging.specifiers import SpecifierSet
from packaging.utils import InvalidWheelFilename, parse_wheel_filename
from packaging.version import InvalidVersion, Version

from envkit.api import EnvError
from envkit.environments.lockfile.facts import locked_facts, pythons_of
from envkit.environments.lockfile.lines import machine_line
from envkit.environments.lockfile.records import lock_command
from envkit.environments.requirements import minor_version
from envkit.environments.this_machine import describe_kind
from envkit.environments.virtual_packages import cuda_of_driver
from envkit.torchbuild import judge_installed, wheel_tags
from envkit.torchbuild.fit import cuda_of, name_gpus, usable_gpus

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from envkit.environments.lockfile.records import LockedMachine, LockFile
    from envkit.environments.records import EnvSpec
    from envkit.machine import MachineFacts


@dataclass(frozen=True)
class Misfit:
    """Why a section does not fit: ``key`` and ``item`` are where in it that stands."""

    key: str
    what: str
    item: int | None = None


def choose_section(lock: LockFile, facts: MachineFacts) -> int:
    """Return which section of the lock is for a machine, counted from 0.

    Of several that fit, the one whose facts are nearest. Raises: EnvError that says of each which line does
    not fit.
    """
    number = nearest_section(lock.lock.machines, lock.lock.spec, facts)
    if number is None:
        raise _none_fits(lock, facts)
    return number


def nearest_section(sections: Sequence[LockedMachine], spec: EnvSpec, facts: MachineFacts) -> int | None:
    """Return which section serves a machine best, None where none does."""
    fitting = [number for number, each in enumerate(sections) if find_misfit(each, spec, facts) is None]
    return min(fitting, key=lambda number: (_distance(sections[number], facts), number), default=None)


def find_misfit(section: LockedMachine, spec: EnvSpec, facts: MachineFacts) -> Misfit | None:
    """Return the first thing in a section that does not fit a machine, None where all does."""
    return next(_misfits(section, spec, facts), None)


def _misfits(section: LockedMachine, spec: EnvSpec, facts: MachineFacts) -> Iterator[Misfit]:
    locked, platform = section.facts, facts.platform
    if locked.system != platform.system:
        yield Misfit("facts.system", f"is for {locked.system}, and this machine runs {platform.system}")
        return
    if describe_kind(platform) != f"{locked.system} on {_family(locked.machine)}":
        yield Misfit("facts.machine", f"is for {locked.machine}, and this machine is {platform.machine}")
        return
    libc = locked.libc.partition(" ")[0]
    if libc != (platform.libc or ""):
        yield Misfit("facts.libc", f"is for {libc or 'no libc'}, and this machine has {platform.libc}")
    yield from _python_misfits(section, facts)
    yield from _torch_misfits(section, spec, facts)
    yield from _base_misfits(section, facts)
    yield from _wheel_misfits(section, facts)


def _family(machine: str) -> str:
    return {"arm64": "aarch64", "amd64": "x86_64"}.get(machine.lower(), machine.lower())


def _python_misfits(section: LockedMachine, facts: MachineFacts) -> Iterator[Misfit]:
    if section.base:  # Python is one of its packages
        return
    minor, here = minor_version(section.python), pythons_of(facts)
    if minor not in map(minor_version, here):
        known = ", ".join(dict.fromkeys(map(minor_version, here)))
        yield Misfit("python", f"is for Python {minor}, and on PATH there is {known}")


def _torch_misfits(section: LockedMachine, spec: EnvSpec, facts: MachineFacts) -> Iterator[Misfit]:
    torch = section.torch
    if torch is None:
        return
    gpus = usable_gpus(facts)
    if cuda_of(torch.variant) is not None and not gpus and section.facts.gpus:
        yield Misfit("torch.version", f"is torch {torch.version}, for NVIDIA GPUs, and none can be used here")
        return
    if torch.variant == "cpu" and (spec.torch == "cpu" or not section.facts.gpus and not gpus):
        return
    why = judge_installed(
        facts,
        torch.version,
        specifier=SpecifierSet(f"=={torch.version.partition('+')[0]}"),
        python=minor_version(section.python),
    )
    if why is not None:
        yield Misfit("torch.version", f"does not fit the GPUs here: {why}")


def _base_misfits(section: LockedMachine, facts: MachineFacts) -> Iterator[Misfit]:
    """Yield what conda packages were chosen for and this machine does not have."""
    if not section.base:
        return
    locked, here = section.facts, locked_facts(facts)
    for key, what, old, new in (
        ("facts.libc", "glibc", locked.libc.partition(" ")[2], here.libc.partition(" ")[2]),
        ("facts.os-version", "macOS", locked.os_version, here.os_version),
        ("facts.driver", "a driver for CUDA", _cuda(locked.driver), _cuda(here.driver)),
    ):
        if old and not _is_at_least(new, old):
            yield Misfit(key, f"is for {what} {old} or newer, and this machine has {new or 'none'}")
    lacking = [feature for feature in locked.cpu_features if feature not in facts.cpu.features]
    if lacking:
        yield Misfit(
            "facts.cpu-features", f"is for processors with {', '.join(lacking)}, which this one lacks"
        )


def _wheel_misfits(section: LockedMachine, facts: MachineFacts) -> Iterator[Misfit]:
    fitting = frozenset(wheel_tags(facts.platform, python=section.python))
    libc = f", which has {facts.platform.libc} {facts.platform.libc_version}" if facts.platform.libc else ""
    for item, wheel in enumerate(section.wheels):
        try:
            tags = parse_wheel_filename(wheel.file_name)[3]
        except InvalidWheelFilename:  # built here from its source
            continue
        if tags.isdisjoint(fitting):
            yield Misfit("wheels", f"is {wheel.file_name}, which is not for this machine{libc}", item)


def _distance(section: LockedMachine, facts: MachineFacts) -> tuple[bool, bool, bool, bool]:
    """Return how far a section's facts are from a machine's; the lowest is the nearest."""
    here = locked_facts(facts)
    return (
        {gpu.compute_capability for gpu in section.facts.gpus}
        != {gpu.compute_capability for gpu in here.gpus},
        minor_version(section.python) != minor_version(facts.python.version),
        section.facts != here,
        section.python != facts.python.version,
    )


def _none_fits(lock: LockFile, facts: MachineFacts) -> EnvError:
    rows = []
    for number, section in enumerate(lock.lock.machines):
        misfit = find_misfit(section, lock.lock.spec, facts)
        assert misfit is not None
        line = machine_line(lock.text, number, misfit.key, item=misfit.item)
        rows.append(f"\n  {lock.file}:{line}: {misfit.what}")
    command = lock_command(lock.file)
    return EnvError(
        f"nothing in {lock.file} fits this machine ({_describe(facts)}):{''.join(rows)}",
        hint=f"Lock for it as well. On it: {command}\n"
        f"Or there: envkit facts > facts.json, and elsewhere: {command} --for facts.json",
    )


def _describe(facts: MachineFacts) -> str:
    platform, gpus = facts.platform, usable_gpus(facts)
    words = [f"{platform.system} {platform.machine}"]
    words += [f"{platform.libc} {platform.libc_version}"] if platform.libc else []
    words += [name_gpus(gpus), f"driver {facts.nvidia.driver_version}"] if gpus else ["no usable NVIDIA GPU"]
    return ", ".join([*words, f"Python {minor_version(facts.python.version)}"])


def _cuda(driver: str) -> str:
    return (cuda_of_driver(driver) or "") if driver else ""


def _is_at_least(here: str, needed: str) -> bool:
    try:
        return Version(here) >= Version(needed)
    except InvalidVersion:
        return False
