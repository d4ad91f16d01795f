"""Tell the versions of the driver's two halves, kernel module and library, by their files."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from envkit.machine.libraries import find_library, version_in_name

if TYPE_CHECKING:
    from envkit.machine.files import Files
    from envkit.machine.nvidia_smi import Answer

# NVML first: a newer libcuda beside the driver's own is NVIDIA's forward compatibility, and no fault.
_NAMES = ("libnvidia-ml.so.1", "libcuda.so.1")


def read_kernel_version(files: Files) -> tuple[str | None, str | None]:
    """Return the loaded module's version and the file that tells it."""
    for path, pattern in (
        ("/sys/module/nvidia/version", r"\s*([0-9]+(?:\.[0-9]+)+)"),
        ("/proc/driver/nvidia/version", r"NVRM version:.*?\s([0-9]{3,}(?:\.[0-9]+)+)\s"),
    ):
        text = files.text(path)
        if text is not None:
            match = re.match(pattern, text)
            if match:
                return match[1], path
            files.note(path, f"no version in {text[:80]!r}")
    return None, None


def read_library(
    files: Files, answer: Answer, *, driver_version: str | None
) -> tuple[str | None, str | None]:
    """Return version and file of the library that answered, else of the one in the usual folders."""
    found = (answer.library_file, *(find_library(files, name) for name in _NAMES))
    for file in found:
        version = version_in_name(file or "")
        if version:
            return version, file
    version = answer.library_version
    # NVML leaves the last number of its own version out: 535.129 is 535.129.03.
    if version and f"{driver_version}.".startswith(f"{version}."):
        version = driver_version
    return version, next((file for file in found if file), None)


def find_linux_driver(files: Files) -> str | None:
    """Return the library of a driver for Linux: it is named by its version, Windows's own in WSL is not."""
    file = find_library(files, "libcuda.so.1")
    return file if file and version_in_name(file) else None
