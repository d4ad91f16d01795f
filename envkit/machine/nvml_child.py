"""Ask NVML for the driver and the GPUs and print one line of JSON.

A program, run as ``python -I -S nvml_child.py [LIBRARY…]``: in a process of its own, because a broken
driver can hang or crash whoever asks it. Standard library only.

Source: the NVML API reference (System Queries, Device Queries, nvmlReturn_t, nvmlComputeMode_t).
"""

from __future__ import annotations

import ctypes
import json
import sys
from typing import Any

_NO_FUNCTION = 13
_RETURN = {
    2: "an argument is invalid",
    3: "not supported",
    4: "no permission",
    6: "not found",
    9: "the driver is not loaded",
    12: "the library is not found",
    _NO_FUNCTION: "the library lacks a function",
    15: "the GPU has fallen off the bus",
    17: "the operating system blocks the GPU",
    18: "version mismatch between the driver's kernel module and its library: restart the machine",
    999: "an unknown error",
}
_NOT_SUPPORTED = 3
# One thread alone (1) went away with the oldest GPUs; either way no second process gets in.
_COMPUTE_MODES = {0: "default", 1: "exclusive", 2: "prohibited", 3: "exclusive"}


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
    # One that is there and cannot be loaded says more than all those that are not there.
    broken = [reason for reason in reasons if "No such file" not in reason]
    raise OSError("; ".join(broken or reasons[:1]))


def explain(code: int) -> str:
    """Return NVML's return code in words."""
    return _RETURN.get(code, f"NVML error {code}")


def call(nvml: ctypes.CDLL, name: str, *arguments: Any) -> int:
    """Call a function and return its code; an old library lacks the newer functions."""
    function = getattr(nvml, name, None)
    return _NO_FUNCTION if function is None else int(function(*arguments))


def text(nvml: ctypes.CDLL, name: str, *arguments: Any) -> str | None:
    """Return the string that a function writes, or None."""
    buffer = ctypes.create_string_buffer(96)
    if call(nvml, name, *arguments, buffer, ctypes.c_uint(len(buffer))) != 0:
        return None
    return buffer.value.decode("utf-8", "replace")


def loaded_file() -> str | None:
    """Return the file that NVML was loaded from, its links resolved, as the kernel shows it."""
    try:
        with open("/proc/self/maps", encoding="utf-8", errors="replace") as maps:  # noqa: PTH123
            paths = [line.rstrip("\n").partition("/") for line in maps if "libnvidia-ml" in line]
    except OSError:
        return None
    return next((slash + rest for _, slash, rest in paths if slash), None)


def mig(nvml: ctypes.CDLL, device: ctypes.c_void_p) -> bool | None:
    """Tell whether a GPU is cut into instances."""
    now, after_reset = ctypes.c_uint(), ctypes.c_uint()
    code = call(nvml, "nvmlDeviceGetMigMode", device, ctypes.byref(now), ctypes.byref(after_reset))
    if code == _NOT_SUPPORTED:
        return False
    return now.value == 1 if code == 0 else None


def describe(nvml: ctypes.CDLL, index: int) -> dict[str, Any]:
    """Return one GPU. Raises: OSError where NVML gives no access to it."""
    device = ctypes.c_void_p()
    code = call(nvml, "nvmlDeviceGetHandleByIndex_v2", ctypes.c_uint(index), ctypes.byref(device))
    if code != 0:
        raise OSError(explain(code))
    major, minor, memory, mode = ctypes.c_int(), ctypes.c_int(), _MemoryInfo(), ctypes.c_int()
    places = ctypes.byref(major), ctypes.byref(minor)
    has_capability = call(nvml, "nvmlDeviceGetCudaComputeCapability", device, *places) == 0
    has_memory = call(nvml, "nvmlDeviceGetMemoryInfo", device, ctypes.byref(memory)) == 0
    has_mode = call(nvml, "nvmlDeviceGetComputeMode", device, ctypes.byref(mode)) == 0
    return {
        "index": index,
        "name": text(nvml, "nvmlDeviceGetName", device) or "NVIDIA GPU",
        "compute_capability": f"{major.value}.{minor.value}" if has_capability else None,
        "memory": memory.total if has_memory else None,
        "uuid": text(nvml, "nvmlDeviceGetUUID", device),
        "mig": mig(nvml, device),
        "compute_mode": _COMPUTE_MODES.get(mode.value) if has_mode else None,
    }


def cuda_version(nvml: ctypes.CDLL) -> str | None:
    """Return the newest CUDA that the driver speaks: libcuda's own answer, else what NVML was made with."""
    number = ctypes.c_int()
    for name in ("nvmlSystemGetCudaDriverVersion_v2", "nvmlSystemGetCudaDriverVersion"):
        if call(nvml, name, ctypes.byref(number)) == 0 and number.value > 0:
            return f"{number.value // 1000}.{number.value % 1000 // 10}"
    return None


def ask(names: list[str]) -> dict[str, Any]:
    """Return the driver, its library, GPUs, and why any of them could not be read."""
    try:
        nvml = load(names)
    except OSError as error:
        return {"errors": [str(error)]}
    # Both are told without the kernel's half, with which the library may disagree.
    version = (text(nvml, "nvmlSystemGetNVMLVersion") or "").partition(".")[2]
    library = {"library_version": version or None, "library_file": loaded_file()}
    code = call(nvml, "nvmlInit_v2")
    if code != 0:
        return {**library, "errors": [explain(code)]}
    count, gpus, errors = ctypes.c_uint(), [], []
    code = call(nvml, "nvmlDeviceGetCount_v2", ctypes.byref(count))
    if code != 0:
        errors.append(explain(code))
    for index in range(count.value if code == 0 else 0):
        try:
            gpus.append(describe(nvml, index))
        except OSError as error:
            errors.append(f"GPU {index}: {error}")
    return {
        **library,
        "driver_version": text(nvml, "nvmlSystemGetDriverVersion"),
        "cuda_version": cuda_version(nvml),
        "gpus": gpus,
        "errors": errors,
    }


if __name__ == "__main__":
    sys.stdout.write(json.dumps(ask(sys.argv[1:])) + "\n")
