"""Probe NVIDIA's driver and GPUs: files first, then NVML in a child process, nvidia-smi last.

A machine without any sign of NVIDIA starts no process.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from envkit.api.facts import Gpu, Nvidia
from envkit.machine.devices import nvidia_device_paths, read_device_files
from envkit.machine.libraries import WSL_LIBRARIES
from envkit.machine.nvidia_library import find_linux_driver, read_kernel_version, read_library
from envkit.machine.nvidia_smi import Answer, ask_nvidia_smi
from envkit.machine.pci import NVIDIA, read_display_devices

if TYPE_CHECKING:
    from collections.abc import Mapping

    from envkit.machine.files import Files
    from envkit.machine.pci import DisplayDevice
    from envkit.machine.process import RunProcess

NVML_TIMEOUT_SECONDS = 5.0
_NVML_CHILD = Path(__file__).with_name("nvml_child.py")
_WSL_DEVICE = "/dev/dxg"
# Where NVML lies when the loader does not know of it: WSL, NixOS, hosted notebooks.
_LIBRARIES = (
    "libnvidia-ml.so.1",
    f"{WSL_LIBRARIES}/libnvidia-ml.so.1",
    "/run/opengl-driver/lib/libnvidia-ml.so.1",
    "/usr/lib64-nvidia/libnvidia-ml.so.1",
)


class _NvmlAnswer(msgspec.Struct, frozen=True):
    driver_version: str | None = None
    gpus: tuple[Gpu, ...] = ()
    cuda_version: str | None = None
    library_version: str | None = None
    library_file: str | None = None
    errors: tuple[str, ...] = ()


def read_nvidia(files: Files, *, environ: Mapping[str, str], run_process: RunProcess) -> Nvidia:
    """Return the driver and every physical GPU; what cannot be read is noted with the reason."""
    pci_devices = read_display_devices(files, NVIDIA)
    device_paths = nvidia_device_paths(files)
    version, source = read_kernel_version(files)
    is_wsl = files.exists(_WSL_DEVICE)
    wsl_linux_driver = find_linux_driver(files) if is_wsl else None
    if not (pci_devices or version or _has_sign(files, device_paths)):
        return Nvidia(wsl_linux_driver=wsl_linux_driver)
    answer, told_by = _ask(files, environ, run_process)
    if version is None and answer.driver_version:
        version, source = answer.driver_version, told_by
    if version is None:
        files.note("NVIDIA driver", _no_driver(pci_devices))
    elif len(pci_devices) > len(answer.gpus) > 0:
        files.note(
            "NVIDIA GPUs", f"the driver shows {len(answer.gpus)}, the PCI bus {len(pci_devices)} of them"
        )
    # Inside WSL the kernel's half is Windows's, whose version is another one by design.
    library = (None, None) if is_wsl else read_library(files, answer, driver_version=version)
    return Nvidia(
        driver_version=version,
        driver_source=source,
        gpus=answer.gpus or _silent_gpus(files, pci_devices),
        pci_devices=tuple(device.address for device in pci_devices),
        library_version=library[0],
        library_file=library[1],
        cuda_version=answer.cuda_version,
        has_nouveau=_has_nouveau(files, pci_devices),
        devices=read_device_files(files, device_paths),
        wsl_linux_driver=wsl_linux_driver,
    )


def _has_sign(files: Files, device_paths: tuple[str, ...]) -> bool:
    """Tell whether a driver left a trace where neither bus nor module shows: in WSL and in some containers."""
    if files.exists("/proc/driver/nvidia") or any(path != _WSL_DEVICE for path in device_paths):
        return True
    # Other makers' GPUs have WSL's device too.
    return _WSL_DEVICE in device_paths and files.exists(f"{WSL_LIBRARIES}/libcuda.so.1")


def _ask(files: Files, environ: Mapping[str, str], run_process: RunProcess) -> tuple[Answer, str]:
    # Both answer for hidden GPUs too; the variable goes so that no wrapper of theirs can obey it.
    environ = {name: value for name, value in environ.items() if name != "CUDA_VISIBLE_DEVICES"}
    answer = _ask_nvml(files, environ, run_process)
    if answer.gpus:
        return answer, "NVML"
    told = ask_nvidia_smi(files, environ=environ, run_process=run_process)
    if told is None:
        return answer, "NVML"
    return replace(answer, driver_version=told.driver_version, gpus=told.gpus), "nvidia-smi"


def _no_driver(pci_devices: tuple[DisplayDevice, ...]) -> str:
    holders = sorted({device.driver for device in pci_devices if device.driver})
    if "nvidia" in holders:
        return "the driver is loaded, but nothing tells its version"
    why = "an NVIDIA GPU is present, but no driver is loaded"
    return f"{why}: {', '.join(holders)} holds it" if holders else why


def _has_nouveau(files: Files, pci_devices: tuple[DisplayDevice, ...]) -> bool:
    if any(device.driver for device in pci_devices):
        return any(device.driver == "nouveau" for device in pci_devices)
    modules = {line.partition(" ")[0] for line in (files.text("/proc/modules") or "").splitlines()}
    has_module = "nouveau" in modules or files.exists("/sys/module/nouveau")
    return has_module and "nvidia" not in modules and not files.exists("/sys/module/nvidia")


def _ask_nvml(files: Files, environ: Mapping[str, str], run_process: RunProcess) -> Answer:
    cmd = [sys.executable, "-I", "-S", str(_NVML_CHILD), *_LIBRARIES]
    try:
        output = run_process(cmd, environ=environ, timeout=NVML_TIMEOUT_SECONDS)
    except OSError as error:
        files.note("NVML", error.strerror or str(error))
        return Answer()
    if output.status is None:
        files.note("NVML", f"did not answer in {NVML_TIMEOUT_SECONDS:g} s: the driver hangs or is very busy")
        return Answer()
    try:
        answer = msgspec.json.decode(output.out, type=_NvmlAnswer)
    except (msgspec.DecodeError, RecursionError):
        last = output.err.strip().rpartition("\n")[2]
        files.note("NVML", f"its process ended with status {output.status}: {last or 'no message'}")
        return Answer()
    for why in answer.errors:
        files.note("NVML", why)
    return Answer(
        driver_version=answer.driver_version,
        gpus=answer.gpus,
        cuda_version=answer.cuda_version,
        library_version=answer.library_version,
        library_file=answer.library_file,
    )


def _silent_gpus(files: Files, pci_devices: tuple[DisplayDevice, ...]) -> tuple[Gpu, ...]:
    """Return the GPUs that only the kernel shows: their names at most, no compute capability."""
    folder = "/proc/driver/nvidia/gpus"
    gpus = []
    for index, address in enumerate(files.names(folder) or [device.address for device in pci_devices]):
        lines = (files.text(f"{folder}/{address}/information") or "").splitlines()
        fields = {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in lines)}
        name = fields.get("Model") or f"NVIDIA GPU at {address}"
        gpus.append(Gpu(index=index, name=name, uuid=fields.get("GPU UUID")))
    return tuple(gpus)
