"""Why the NVIDIA GPUs of a machine cannot be used: one cause, so that one check alone speaks of it. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal

from envkit.torchbuild.fit import usable_gpus

if TYPE_CHECKING:
    from envkit.api.facts import DeviceFile, MachineFacts

Cause = Literal[
    "no driver", "nouveau", "mismatch", "permission", "not in container", "WSL driver", "WSL silent", "silent"
]

# The files that computing opens; those of MIG and of displays are often closed to users, and may be.
_NEEDED = re.compile(r"/dev/(nvidia\d+|nvidiactl|nvidia-uvm|dxg)")
_PROBES = ("NVML", "nvidia-smi", "NVIDIA")
_MISMATCH = "version mismatch"


def find_cause(facts: MachineFacts) -> Cause | None:
    """Return why no NVIDIA GPU can be used, None where one can be or none is there."""
    nvidia = facts.nvidia
    if usable_gpus(facts) or facts.platform.is_jetson:  # a Jetson's driver answers otherwise
        return None
    if facts.platform.is_wsl:
        return _find_wsl_cause(facts)
    if not count_gpus(facts):
        return None
    if nvidia.driver_version is None and not gpu_files(facts):
        return "nouveau" if nvidia.has_nouveau else "no driver"
    if facts.platform.is_container and not gpu_files(facts):
        return "not in container"
    if is_mismatched(facts):
        return "mismatch"
    return "permission" if closed_files(facts) else "silent"


def _find_wsl_cause(facts: MachineFacts) -> Cause | None:
    # The bus shows no GPU inside WSL: a sign of one is that Windows's driver was asked and said something.
    if not (said(facts) or facts.nvidia.driver_version):
        return None
    return "WSL silent" if facts.nvidia.wsl_linux_driver is None else "WSL driver"


def is_mismatched(facts: MachineFacts) -> bool:
    """Tell whether the driver's halves, kernel module and library, are of two versions."""
    nvidia = facts.nvidia
    if any(_MISMATCH in line.lower() for line in said(facts)):
        return True
    is_from_kernel = (nvidia.driver_source or "").startswith(("/sys/", "/proc/"))
    return (
        is_from_kernel
        and nvidia.library_version is not None
        and nvidia.library_version != nvidia.driver_version
    )


def said(facts: MachineFacts) -> tuple[str, ...]:
    """Return what NVIDIA's own probes could not tell, and why, a line each."""
    return tuple(
        f"{each.what}: {each.why}"
        for each in facts.unread
        if each.part == "nvidia" or each.what.startswith(_PROBES)
    )


def gpu_files(facts: MachineFacts) -> tuple[DeviceFile, ...]:
    """Return the device files of single GPUs."""
    return tuple(each for each in facts.nvidia.devices if re.fullmatch(r"/dev/(nvidia\d+|dxg)", each.path))


def closed_files(facts: MachineFacts) -> tuple[DeviceFile, ...]:
    """Return the device files that computing needs and this user may not open."""
    return tuple(each for each in facts.nvidia.devices if not each.is_usable and _NEEDED.fullmatch(each.path))


def count_gpus(facts: MachineFacts) -> int:
    """Return how many NVIDIA GPUs the machine has, by bus, driver or files, whichever shows most."""
    return max(len(facts.nvidia.pci_devices), len(facts.nvidia.gpus), len(gpu_files(facts)))


def name_files(files: tuple[DeviceFile, ...]) -> tuple[str, ...]:
    """Return each file with its owner and mode, as a line of evidence."""
    return tuple(
        f"{each.path} belongs to {each.owner or '?'}:{each.group or '?'}, mode {each.mode or 'unknown'}"
        for each in files
    )


def is_open_to_all(file: DeviceFile) -> bool:
    """Tell whether the mode lets everybody read and write: what closes the file is then a control group."""
    return (file.mode or "").endswith(("6", "7"))
