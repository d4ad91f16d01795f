"""Choose the device to compute on, and never another than the one asked for."""

from __future__ import annotations

import torch

from envkit.api import MachineError


def choose_device(name: str) -> torch.device:
    """Return the device of this name: ``auto``, ``cpu``, ``cuda``, ``cuda:N`` or ``mps``.

    ``auto`` is the first GPU that this torch can use, else the CPU. Raises: MachineError where a GPU is
    asked for by name and cannot be used.
    """
    if name == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda", 0)
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    device = torch.device(name)
    if device.type == "cuda":
        return torch.device("cuda", _check_cuda(name, device.index or 0))
    if device.type == "mps" and not torch.backends.mps.is_available():
        reason = "this torch is built without it" if not torch.backends.mps.is_built() else "there is none"
        raise MachineError(
            f"the device mps cannot be used: {reason}", hint="Compute on the CPU: --device cpu"
        )
    return device


def _check_cuda(name: str, index: int) -> int:
    """Return the index if there is such a GPU. Raises: MachineError."""
    if torch.version.cuda is None and torch.version.hip is None:
        raise MachineError(
            f"the device {name} cannot be used: torch {torch.__version__} is built for the CPU only",
            hint="See which build fits this machine: envkit doctor; or compute on the CPU: --device cpu",
        )
    found = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if index >= found:
        there = f"torch {torch.__version__} finds {found} GPU{'s' if found != 1 else ''}"
        raise MachineError(
            f"the device {name} cannot be used: {there}",
            hint=f"Use one of cuda:0 to cuda:{found - 1}"
            if found
            else "See why: envkit doctor; or compute on the CPU: --device cpu",
        )
    return index
