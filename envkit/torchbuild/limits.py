"""Where a machine or a build is newer than the table, what was never tried, and what else to know. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from envkit.torchbuild.fit import name_gpus, place_of, unknown_gpus, usable_gpus
from envkit.torchbuild.rows import minor_of, parse_version
from envkit.torchbuild.variants import machine_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from envkit.machine import Gpu, MachineFacts
    from envkit.torchbuild.candidates import Candidate
    from envkit.torchbuild.rows import Build
    from envkit.torchbuild.table import Table


def is_beyond(facts: MachineFacts, chosen: Candidate, *, table: Table) -> bool:
    """Tell whether driver, GPU or torch are newer than what the table was written with."""
    return any(True for _ in _beyond(facts, chosen, table))


def is_proven(facts: MachineFacts, chosen: Candidate, *, table: Table) -> bool:
    """Tell whether envkit itself ever ran such a build on such a system."""
    build = _build_of(facts, chosen, table)
    if build is not None and build.variant == chosen.variant and build.holds(chosen.version):
        return bool(build.run_on)
    platform = facts.platform
    default = table.find_default_row(chosen.version, system=platform.system, machine=machine_of(platform))
    is_default = default is not None and minor_of(chosen.version) in default.torch
    return is_default and default is not None and default.variant == chosen.variant and bool(default.run_on)


def notes_on(facts: MachineFacts, chosen: Candidate, *, table: Table) -> tuple[str, ...]:
    """Return, a sentence each, what is beyond the table and what the choice rests on besides."""
    return (*_beyond(facts, chosen, table), *_other_notes(facts, chosen, table))


def _beyond(facts: MachineFacts, chosen: Candidate, table: Table) -> Iterator[str]:
    driver, newest = facts.nvidia.driver_version, table.limit("driver")
    if usable_gpus(facts) and driver and _major(driver) > _major(newest):
        yield (
            f"Driver {driver} is newer than all that this envkit's table knows ({newest}): newer drivers run "
            "what older ones run."
        )
    newest = table.limit("compute capability")
    for how, gpus in _newer_gpus(facts, newest, chosen, table).items():
        is_one = len({(gpu.name, gpu.compute_capability) for gpu in gpus}) == 1
        yield (
            f"{name_gpus(tuple(gpus))} {'is' if is_one else 'are'} newer than all that this envkit's table knows "
            f"({newest}). {how}"
        )
    if table.is_newer(chosen.version):
        yield (
            f"torch {chosen.version} is newer than all that this envkit's table knows ({table.newest}): it is "
            "taken to be like the newest of its kind there."
        )


def _newer_gpus(facts: MachineFacts, newest: str, chosen: Candidate, table: Table) -> dict[str, list[Gpu]]:
    """Return the GPUs that the table does not reach, by how the build runs on them."""
    found: dict[str, list[Gpu]] = {}
    for gpu in usable_gpus(facts):
        if parse_version(gpu.compute_capability or "0") > parse_version(newest):
            found.setdefault(_how_it_runs(facts, gpu, chosen, table), []).append(gpu)
    return found


def _how_it_runs(facts: MachineFacts, gpu: Gpu, chosen: Candidate, table: Table) -> str:
    build = _build_of(facts, chosen, table)
    if build is None or not chosen.is_cuda:
        return "No build in it is known to run there; a newer envkit may know one."
    major = (gpu.compute_capability or "").partition(".")[0]
    if any(each.partition(".")[0] == major for each in build.capabilities):
        return "It runs the code for its own kind."
    return "What runs there is compiled when a program first starts, which takes minutes."


def _other_notes(facts: MachineFacts, chosen: Candidate, table: Table) -> Iterator[str]:
    place = place_of(facts, table=table)
    if place is not None and place.note and (chosen.is_cuda or place.name == "windows"):
        yield place.note
    if unknown := unknown_gpus(facts):
        yield (
            f"Nothing tells the compute capability of {name_gpus(unknown)}, so the choice leaves it out: whether "
            "this build has kernels for it is not known. See what nvidia-smi says."
        )
    devices = facts.amd.devices
    if chosen.family == "ROCm" and devices and not any(device.is_usable for device in devices):
        yield "ROCm needs /dev/kfd to be open to this user: sudo usermod -aG render,video $USER"
    if chosen.family == "XPU" and facts.platform.system == "linux" and not facts.intel.has_level_zero:
        yield "XPU builds need the Level Zero loader: sudo apt install libze1 libze-intel-gpu1"
    if facts.platform.is_jetson and not chosen.is_cuda:
        yield "NVIDIA publishes builds for Jetson of its own: https://developer.nvidia.com/embedded/downloads"


def _build_of(facts: MachineFacts, chosen: Candidate, table: Table) -> Build | None:
    platform = facts.platform
    return table.find_build(
        chosen.version, chosen.variant, machine=machine_of(platform), system=platform.system
    )


def _major(driver: str) -> int:
    digits = driver.partition(".")[0]
    return int(digits) if digits.isdigit() else 0
