"""How large an image will be, before it is built."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from envkit.images.records import Contents

# A wheel is a zip: torch's for the CPU is 2.9 times as large unpacked, those for CUDA 1.7 to 1.9 times, pure Python
# about 4 times. Bytecode of what a run imports comes on top.
_UNPACKED = 3.0


def download_size(contents: Contents) -> int:
    """Return the bytes that a build fetches where no cache has any of it; what lies on this machine is left out."""
    wheels = (*contents.packages, contents.uv)
    return sum(wheel.size or 0 for wheel in wheels if not wheel.url.startswith("file:"))


def disk_size(contents: Contents) -> int:
    """Return about how many bytes the image adds to its base."""
    wheels = sum(wheel.size or 0 for wheel in contents.packages)
    return int(wheels * _UNPACKED) + (0 if contents.model_dir is None else _size(contents.model_dir))


def _size(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
