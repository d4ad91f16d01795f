"""Ask NVML for the driver and the GPUs and print one line of JSON.

A program, run as ``python -I -S nvml_child.py [LIBRARY…]``: in a process of its own, because a broken
driver can hang or crash whoever asks it. Standard library only.

Source: the NVML API reference (nvmlDeviceGetCudaComputeCapability, nvmlDeviceGetMemoryInfo, nvmlReturn_t).
"""

from __future__ import annotations

import ctypes
import json
import sys
from typing import Any

_RETURN = {
    2: "an argument is invalid",
    3: "not supported",
    4: "no permission",
    6: "not found",
    9: "the driver is not loaded",
    12: "the library is not found",
    15: "the GPU has fallen off the bus",
    17: "the operating system blocks the GPU",
    18: "the driver's kernel module and its library have different versions: restart the machine",
    999: "an unknown error",
}


class _MemoryInfo(ctypes.Structure):
    _fields_ = [("total", ctypes.c_ulonglong), ("free", ctypes.c_ulonglong), ("used", ctypes.c_ulonglong)]


def load(names: list[str]) -> ctypes.CDLL:
    """Load the first library that can be loaded. Raises: OSError with the reasons."""
    reasons = []
    for name in names:
        try:
            return ctypes.CDLL(name)
        except OSError as error:
            reasons.append(str(error))
    raise OSError("; ".join(reasons))


def explain(code: int) -> str:
    """Return NVML's return code in words."""
    return _RETURN.get(code, f"NVML error {code}")


def text(call: Any, *arguments: Any) -> str | None:
    """Return the string that an NVML call writes, or None."""
    buffer = ctypes.create_string_buffer(96)
    if call(*arguments, buffer, ctypes.c_uint(len(buffer))) != 0:
        return None
    return buffer.value.decode("utf-8", "replace")


def describe(nvml: ctypes.CDLL, index: int) -> dict[str, Any]:
    """Return one GPU. Raises: OSError where NVML gives no access to it."""
    device = ctypes.c_void_p()
    code = nvml.nvmlDeviceGetHandleByIndex_v2(ctypes.c_uint(index), ctypes.byref(device))
    if code != 0:
        raise OSError(explain(code))
    major, minor, memory = ctypes.c_int(), ctypes.c_int(), _MemoryInfo()
    capability = (
        nvml.nvmlDeviceGetCudaComputeCapability(device, ctypes.byref(major), ctypes.byref(minor)) == 0
    )
    has_memory = nvml.nvmlDeviceGetMemoryInfo(device, ctypes.byref(memory)) == 0
    return {
        "index": index,
        "name": text(nvml.nvmlDeviceGetName, device) or "NVIDIA GPU",
        "compute_capability": f"{major.value}.{minor.value}" if capability else None,
        "memory": memory.total if has_memory else None,
        "uuid": text(nvml.nvmlDeviceGetUUID, device),
    }


def ask(names: list[str]) -> dict[str, Any]:
    """Return driver version, GPUs, and why any of them could not be read."""
    try:
        nvml = load(names)
    except OSError as error:
        return {"errors": [str(error)]}
    code = nvml.nvmlInit_v2()
    if code != 0:
        return {"errors": [explain(code)]}
    count, gpus, errors = ctypes.c_uint(), [], []
    code = nvml.nvmlDeviceGetCount_v2(ctypes.byref(count))
    if code != 0:
        errors.append(explain(code))
    for index in range(count.value):
        try:
            gpus.append(describe(nvml, index))
        except (OSError, AttributeError) as error:  # an old library lacks a function
            errors.append(f"GPU {index}: {error}")
    return {"driver_version": text(nvml.nvmlSystemGetDriverVersion), "gpus": gpus, "errors": errors}


if __name__ == "__main__":
    sys.stdout.write(json.dumps(ask(sys.argv[1:])) + "\n")
