"""Probe Intel's GPUs: those of the PCI bus, and the loader that torch's XPU builds need."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from envkit.api.facts import Intel, IntelGpu
from envkit.machine.devices import read_device_files, render_node_paths
from envkit.machine.libraries import find_library
from envkit.machine.pci import INTEL, read_display_devices

if TYPE_CHECKING:
    from envkit.machine.files import Files
    from envkit.machine.pci import DisplayDevice

_LEVEL_ZERO = "libze_loader.so.1"
_INTEGRATED = "Intel integrated graphics"
# First and last device number, the name, whether the GPU is part of a processor.
# Source: Linux, include/drm/intel/pciids.h, once it had Crescent Island; all else counts by its place on the bus.
_GPUS = (
    (0x0B69, 0x0BE5, "Intel Data Center GPU Max (Ponte Vecchio)", False),
    (0x4905, 0x4909, "Intel Iris Xe MAX (DG1)", False),
    (0x5690, 0x56BF, "Intel Arc A-series", False),
    (0x56C0, 0x56C2, "Intel Data Center GPU Flex", False),
    (0x6420, 0x64B0, "Intel Arc Graphics (Lunar Lake)", True),
    (0x674C, 0x6750, "Intel Data Center GPU (Crescent Island)", False),
    (0x7D40, 0x7DD5, "Intel Arc Graphics (Meteor Lake or Arrow Lake)", True),
    (0xB080, 0xB0B0, "Intel Arc Graphics (Panther Lake)", True),
    (0xE202, 0xE223, "Intel Arc B-series", False),
)


def read_intel(files: Files) -> Intel:
    """Return Intel's GPUs, and whether the Level Zero loader lies in a folder of libraries."""
    gpus = tuple(_gpu(device) for device in read_display_devices(files, INTEL))
    if not gpus:
        return Intel()
    return Intel(
        gpus=gpus,
        has_level_zero=find_library(files, _LEVEL_ZERO) is not None,
        devices=read_device_files(files, render_node_paths(files, INTEL)),
    )


def _gpu(device: DisplayDevice) -> IntelGpu:
    number = int(device.device, 16) if re.fullmatch(r"0x[0-9a-f]{1,4}", device.device) else None
    for first, last, name, is_integrated in _GPUS:
        if number is not None and first <= number <= last:
            return IntelGpu(name=name, pci_id=device.device, is_integrated=is_integrated)
    # Intel's integrated GPUs have all been device 2 of the first bus.
    is_integrated = device.address.endswith(":00:02.0")
    return IntelGpu(
        name=_INTEGRATED if is_integrated else "Intel GPU",
        pci_id=device.device if number is not None else None,
        is_integrated=is_integrated,
    )
