"""The names of torch's variants: ``cpu``, ``mps``, ``xpu``, ``cu126``, ``rocm7.2``. Pure."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from envkit.api.facts import Platform
    from envkit.torchbuild.rows import Family

# The variant of a build that its maker gave no name.
OWN = "own"

_CUDA = re.compile(r"cu(\d\d)(\d)")
_ROCM = re.compile(r"rocm(\d+)\.(\d+)(?:\.\d+)*")


@lru_cache(maxsize=256)
def cuda_of(variant: str) -> tuple[int, int] | None:
    """Return CUDA's version of a variant such as ``cu126``, None for any other."""
    match = _CUDA.fullmatch(variant)
    return (int(match[1]), int(match[2])) if match else None


@lru_cache(maxsize=256)
def rocm_of(variant: str) -> tuple[int, int] | None:
    """Return ROCm's version of a variant such as ``rocm7.2``, None for any other."""
    match = _ROCM.fullmatch(variant)
    return (int(match[1]), int(match[2])) if match else None


@lru_cache(maxsize=256)
def family_of(variant: str) -> Family | None:
    """Return what a variant computes on, None for somebody's own."""
    if cuda_of(variant) is not None:
        return "CUDA"
    if rocm_of(variant) is not None:
        return "ROCm"
    known: dict[str, Family] = {"xpu": "XPU", "mps": "MPS", "cpu": "CPU"}
    return known.get(variant)


def tag_of(local: str) -> str:
    """Return the variant in a version's local part: of ``cu121.with.pypi.cudnn`` what comes first."""
    match = _ROCM.match(local)
    return match[0] if match else local.partition(".")[0]


def machine_of(platform: Platform) -> str:
    """Return the processor as the table names it: ``x86_64``, ``aarch64``, and ``arm64`` on Macs."""
    machine = platform.machine.lower()
    machine = {"amd64": "x86_64", "arm64": "aarch64"}.get(machine, machine)
    return "arm64" if platform.system == "darwin" and machine == "aarch64" else machine
