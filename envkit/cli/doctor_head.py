"""The machine in a few lines, and the torch build that fits it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from envkit.environments.records import format_size
from envkit.machine.parts import FIRST_PARTS

if TYPE_CHECKING:
    from envkit.api.facts import MachineFacts, Platform
    from envkit.cli.doctor_look import Choice

# Under this name the facts tell that envkit's own settings could not be read.
SETTINGS_PART = "settings"
_MOST_GPUS = 20


def head_pairs(facts: MachineFacts, choice: Choice) -> list[tuple[str, str]]:
    """Return names and values."""
    system, cpu, memory = facts.platform, facts.cpu, facts.memory
    libc = f", {system.libc} {system.libc_version or ''}".rstrip() if system.libc else ""
    inside = " in WSL" if system.is_wsl else " in a container" if system.is_container else ""
    cores = f"{cpu.logical_cores or '?'} cores" + (f", held to {cpu.quota:g}" if cpu.quota else "")
    limit = f", held to {format_size(memory.limit)}" if memory.limit else ""
    return [
        ("Python", f"{facts.python.version} ({facts.python.path})"),
        ("system", f"{_system_name(system)} {system.machine}{libc}{inside}"),
        ("processor", f"{cpu.model or 'unknown'}, {cores}"),
        ("memory", (format_size(memory.total) if memory.total else "unknown") + limit),
        *_gpu_pairs(facts),
        *_torch_pairs(choice, is_sure=_unread_gpus(facts) is None),
        *_setting_pairs(facts),
    ]


def _unread_gpus(facts: MachineFacts) -> str | None:
    """Return why NVIDIA's GPUs are not known; None where they are, or it is known that there are none."""
    unread = (each.why for each in facts.unread if each.part == "nvidia" and each.is_whole)
    return next(
        unread, None if "nvidia" in (facts.parts or FIRST_PARTS) else "these facts tell nothing of them"
    )


def _setting_pairs(facts: MachineFacts) -> list[tuple[str, str]]:
    return [("not read", f"{each.what}: {each.why}") for each in facts.unread if each.part == SETTINGS_PART]


def _torch_pairs(choice: Choice, *, is_sure: bool) -> list[tuple[str, str]]:
    build = choice.build
    if build is None:
        return [("torch", f"no build fits: {choice.problem}")]
    place = f" from {build.location or 'the ' + build.source}"
    reason = build.reason if is_sure else "It is the build for a machine without NVIDIA GPUs."
    return [("torch", f"{build.version} ({build.variant}){place}"), ("why", reason)]


def _system_name(system: Platform) -> str:
    name = system.os_name or system.system
    is_told = system.os_version is None or system.os_version in name
    return name if is_told else f"{name} {system.os_version}"


def _gpu_pairs(facts: MachineFacts) -> list[tuple[str, str]]:
    nvidia = facts.nvidia
    others = [gpu.name for gpu in facts.amd.gpus] + [gpu.name for gpu in facts.intel.gpus]
    if facts.apple.has_mps:
        others.append("Apple's, through MPS")
    pairs = [("GPU", name) for name in others]
    if (why := _unread_gpus(facts)) is not None:
        return [*pairs, ("GPU", f"NVIDIA's could not be read: {why}")]
    if not nvidia.gpus and nvidia.driver_version is None:
        return pairs or [("GPU", "none")]
    pairs.append(
        ("driver", f"NVIDIA {nvidia.driver_version}" if nvidia.driver_version else "none for NVIDIA GPUs")
    )
    for gpu in nvidia.gpus[:_MOST_GPUS]:
        capability = f"compute capability {gpu.compute_capability or 'unknown'}"
        memory = f", {format_size(gpu.memory)}" if gpu.memory else ""
        pairs.append((f"GPU {gpu.index}", f"{gpu.name}, {capability}{memory}"))
    if (unshown := len(nvidia.gpus) - _MOST_GPUS) > 0:
        pairs.append(("GPUs", f"and {unshown:,} more"))
    return pairs
