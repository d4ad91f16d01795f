"""Read the display devices of the PCI bus: GPUs, whether or not a driver holds them."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from envkit.machine.files import Files

NVIDIA, AMD, INTEL = "0x10de", "0x1002", "0x8086"
DEVICES = "/sys/bus/pci/devices"
# Base class 03: VGA, 3D and other display controllers. Source: PCI Code and ID Assignment Specification.
_DISPLAY_CLASS = "0x03"


@dataclass(frozen=True, kw_only=True, slots=True)
class DisplayDevice:
    """A device on the bus: ``device`` is its maker's number as ``0x2330``, ``driver`` what holds it."""

    address: str
    device: str
    driver: str | None


def read_display_devices(files: Files, vendor: str) -> tuple[DisplayDevice, ...]:
    """Return one maker's display devices by address; ``vendor`` as ``0x10de``."""
    return tuple(
        DisplayDevice(
            address=address,
            device=_word(files, address, "device"),
            driver=_driver(files, address),
        )
        for address in files.names(DEVICES)
        # The class first: hundreds of devices on a server are none.
        if _word(files, address, "class").startswith(_DISPLAY_CLASS)
        and _word(files, address, "vendor") == vendor
    )


def _word(files: Files, address: str, name: str) -> str:
    return (files.text(f"{DEVICES}/{address}/{name}", limit=64) or "").strip().lower()


def _driver(files: Files, address: str) -> str | None:
    try:
        link = os.readlink(files.locate(f"{DEVICES}/{address}/driver"))  # noqa: PTH115
    except OSError:
        return None
    return link.rpartition("/")[2]
