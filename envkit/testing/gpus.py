"""GPUs as their drivers tell them, for machines that are made up.

Sources: names and memory as NVML tells them; compute capabilities from NVIDIA's "CUDA GPU Compute Capability"; the CUDA
of a driver from the CUDA Toolkit Release Notes, "CUDA Toolkit and Corresponding Driver Versions".
"""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass

from packaging.version import InvalidVersion, Version

GIB = 2**30
_CAPABILITY = re.compile(r"\d{1,2}\.\d")
_NOT_TOLD_APART = re.compile(r"\b(nvidia|geforce|tesla)\b|[^a-z0-9]+")


@dataclass(frozen=True, kw_only=True)
class GpuModel:
    """A kind of NVIDIA GPU: ``memory`` is in bytes; ``has_mig`` tells that it can be cut into instances."""

    name: str
    compute_capability: str
    memory: int
    has_mig: bool = False


# The name that people say, NVML's, compute capability, memory in GiB.
_KNOWN = (
    ("K80", "Tesla K80", "3.7", 11.17),
    ("GTX 1080 Ti", "NVIDIA GeForce GTX 1080 Ti", "6.1", 11),
    ("P100", "Tesla P100-PCIE-16GB", "6.0", 16),
    ("V100", "Tesla V100-SXM2-16GB", "7.0", 16),
    ("T4", "Tesla T4", "7.5", 15),
    ("RTX 2080 Ti", "NVIDIA GeForce RTX 2080 Ti", "7.5", 11),
    ("A100", "NVIDIA A100-SXM4-80GB", "8.0", 80),
    ("A10", "NVIDIA A10", "8.6", 22.5),
    ("RTX 3090", "NVIDIA GeForce RTX 3090", "8.6", 24),
    ("RTX A6000", "NVIDIA RTX A6000", "8.6", 48),
    ("L4", "NVIDIA L4", "8.9", 22.5),
    ("L40S", "NVIDIA L40S", "8.9", 45),
    ("RTX 4090", "NVIDIA GeForce RTX 4090", "8.9", 24),
    ("H100", "NVIDIA H100 80GB HBM3", "9.0", 80),
    ("H200", "NVIDIA H200", "9.0", 140),
    ("B200", "NVIDIA B200", "10.0", 179),
    ("RTX 5090", "NVIDIA GeForce RTX 5090", "12.0", 32),
)
_MIG = ("A100", "H100", "H200", "B200")
# The first branch of the driver that speaks a CUDA.
_DRIVERS = (
    (590, "13.1"), (580, "13.0"), (575, "12.9"), (570, "12.8"), (565, "12.7"), (560, "12.6"), (555, "12.5"),
    (550, "12.4"), (545, "12.3"), (535, "12.2"), (530, "12.1"), (525, "12.0"), (520, "11.8"), (515, "11.7"),
    (510, "11.6"), (495, "11.5"), (470, "11.4"), (465, "11.3"), (460, "11.2"), (455, "11.1"), (450, "11.0"),
    (440, "10.2"),
)  # fmt: skip
GPUS = {
    said: GpuModel(name=name, compute_capability=capability, memory=int(gib * GIB), has_mig=said in _MIG)
    for said, name, capability, gib in _KNOWN
}


def find_gpu(said: str) -> GpuModel:
    """Return the GPU that is meant by a name (``A100``, ``NVIDIA A100``) or a compute capability (``8.6``).

    Raises: ValueError with the nearest name.
    """
    if _CAPABILITY.fullmatch(said):
        name = f"NVIDIA GPU of compute capability {said}"
        return GpuModel(name=name, compute_capability=said, memory=24 * GIB)
    by_key = {_key(name): model for name, model in GPUS.items()}
    by_key |= {_key(model.name): model for model in GPUS.values()}
    if (found := by_key.get(_key(said))) is not None:
        return found
    near = difflib.get_close_matches(_key(said), [_key(name) for name in GPUS], n=1)
    meant = next((f"; did you mean {name!r}?" for name in GPUS if _key(name) in near), "")
    raise ValueError(
        f"there is no GPU {said!r} here{meant} Expected a compute capability such as '8.6', or one of: "
        f"{', '.join(GPUS)}"
    )


def cuda_of_driver(driver: str) -> str | None:
    """Return the newest CUDA that a driver (``550.54``) speaks, None for one older than CUDA 10.2's.

    Raises: ValueError for what is no version.
    """
    try:
        branch = Version(driver).major
    except InvalidVersion:
        raise ValueError(f"{driver!r} is no version of a driver, expected such as '550.54'") from None
    return next((cuda for first, cuda in _DRIVERS if branch >= first), None)


def _key(name: str) -> str:
    return _NOT_TOLD_APART.sub("", name.lower())
