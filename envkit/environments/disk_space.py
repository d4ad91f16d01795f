"""Whether there is room for an environment, asked before anything is downloaded."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

from envkit.api import EnvError
from envkit.environments.records import format_size
from envkit.machine.installers import uv_cache_dir

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from envkit.environments.plan import Plan
    from envkit.environments.records import WheelPackage
    from envkit.torchbuild import TorchBuild

# Measured on Linux x86_64: torch 2.13.0+cpu with transformers takes 1.0 GB, of which torch is 0.7. What torch takes is in
# its table of builds; the last two are for a build that it does not know.
_TORCH_FREE = 100_000_000
_BESIDES_TORCH = 400_000_000
_TORCH_CPU = 1_200_000_000
_TORCH_GPU = 8_000_000_000
# How much larger files are than the package that they come in. Wheels: torch 2.13.0+cpu with transformers, 335 MB
# packed, take 1.0 GB; conda packages are packed harder.
_WHEEL_UNPACKED = 3.0
_CONDA_UNPACKED = 4.0


def estimate_size(torch: TorchBuild | None) -> int:
    """Return about how many bytes an environment takes."""
    if torch is None:
        return _TORCH_FREE
    if torch.disk is not None:
        return torch.disk + _BESIDES_TORCH
    return _TORCH_CPU if torch.variant in ("cpu", "mps") else _TORCH_GPU


@dataclass(frozen=True, kw_only=True)
class Sizes:
    """What an environment costs, in bytes: ``download`` is the most that is fetched, ``disk`` about what it takes.

    Of ``unknown`` packages nobody tells the size; they are in neither number.
    """

    download: int
    disk: int
    unknown: int


def estimate_sizes(plan: Plan, wheels: Sequence[WheelPackage]) -> Sizes:
    """Return what a plan costs; what uv's cache holds already need not be fetched, and nobody knows what."""
    fetched = [wheel for wheel in wheels if not wheel.url.startswith("file:") and wheel.source != "host"]
    sizes = [wheel.size for wheel in fetched] + [package.size for package in plan.base.packages]
    unpacked = sum(wheel.size or 0 for wheel in wheels) * _WHEEL_UNPACKED
    unpacked += sum(package.size or 0 for package in plan.base.packages) * _CONDA_UNPACKED
    return Sizes(
        download=sum(size or 0 for size in sizes), disk=round(unpacked), unknown=sum(s is None for s in sizes)
    )


def check_disk_space(
    folder: Path,
    *,
    needed: int,
    environ: Mapping[str, str],
    free_bytes: Callable[[Path], int] = lambda folder: shutil.disk_usage(folder).free,
) -> None:
    """Check that the environment, and uv's cache where it is on another disk, find room. Raises: EnvError."""
    places = {folder: "ENVKIT_HOME", uv_cache_dir(environ): "UV_CACHE_DIR"}
    for place, setting in places.items():
        existing = _existing(place)
        try:
            free = free_bytes(existing)
        except OSError:
            continue  # a disk that does not tell is not a full one
        if free < needed:
            raise EnvError(
                f"{existing} has {format_size(free)} free, and the environment needs about {format_size(needed)}",
                hint=f"Free some space (uv cache prune), or move to a larger disk: {setting}=DIR",
            )


def _existing(path: Path) -> Path:
    return next(p for p in (path.absolute(), *path.absolute().parents) if p.exists())
