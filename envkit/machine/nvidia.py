"""Probe NVIDIA's driver and GPUs: files first, then NVML in a child process, nvidia-smi last.

A machine without any sign of NVIDIA starts no process.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from envkit.api.facts import Gpu, Nvidia
from envkit.machine.nvidia_smi import Answer, ask_nvidia_smi

if TYPE_CHECKING:
    from collections.abc import Mapping

    from envkit.machine.files import Files
    from envkit.machine.process import RunProcess

NVML_TIMEOUT_SECONDS = 5.0
_NVML_CHILD = Path(__file__).with_name("nvml_child.py")
_VENDOR = "0x10de"
_DISPLAY_CLASS = "0x03"
_WSL_LIBRARIES = "/usr/lib/wsl/lib"
# Where NVML lies when the loader does not know of it: WSL, NixOS, hosted notebooks.
_LIBRARIES = (
    "libnvidia-ml.so.1",
    f"{_WSL_LIBRARIES}/libnvidia-ml.so.1",
    "/run/opengl-driver/lib/libnvidia-ml.so.1",
    "/usr/lib64-nvidia/libnvidia-ml.so.1",
)


class _NvmlAnswer(msgspec.Struct, frozen=True):
    driver_version: str | None = None
    gpus: tuple[Gpu, ...] = ()
    errors: tuple[str, ...] = ()


def read_nvidia(files: Files, *, environ: Mapping[str, str], run_process: RunProcess) -> Nvidia:
    """Return the driver and every physical GPU; what cannot be read is noted with the reason."""
    pci_devices = _pci_devices(files)
    version, source = _loaded_driver(files)
    if not (pci_devices or version or files.exists("/proc/driver/nvidia") or _is_wsl_gpu(files)):
        return Nvidia()
    # Both answer for hidden GPUs too; the variable goes so that no wrapper of theirs can obey it.
    environ = {name: value for name, value in environ.items() if name != "CUDA_VISIBLE_DEVICES"}
    answer = _ask_nvml(files, environ, run_process)
    told_by = "NVML"
    if not answer.gpus:
        answer = ask_nvidia_smi(files, environ=environ, run_process=run_process) or answer
        told_by = "nvidia-smi"
    if version is None and answer.driver_version:
        version, source = answer.driver_version, told_by
    if version is None:
        files.note("NVIDIA driver", "an NVIDIA GPU is present, but no driver is loaded")
    elif len(pci_devices) > len(answer.gpus) > 0:
        files.note(
            "NVIDIA GPUs", f"the driver shows {len(answer.gpus)}, the PCI bus {len(pci_devices)} of them"
        )
    return Nvidia(
        driver_version=version,
        driver_source=source,
        gpus=answer.gpus or _silent_gpus(files, pci_devices),
        pci_devices=pci_devices,
    )


def _pci_devices(files: Files) -> tuple[str, ...]:
    folder = "/sys/bus/pci/devices"
    return tuple(
        address
        for address in files.names(folder)
        if (files.text(f"{folder}/{address}/vendor") or "").strip().lower() == _VENDOR
        and (files.text(f"{folder}/{address}/class") or "").startswith(_DISPLAY_CLASS)
    )


def _loaded_driver(files: Files) -> tuple[str | None, str | None]:
    for path, pattern in (
        ("/sys/module/nvidia/version", r"\s*(\d+(?:\.\d+)+)"),
        ("/proc/driver/nvidia/version", r"NVRM version:.*?\s(\d{3,}(?:\.\d+)+)\s"),
    ):
        text = files.text(path)
        if text is not None:
            match = re.match(pattern, text)
            if match:
                return match[1], path
            files.note(path, f"no version in {text[:80]!r}")
    return None, None


def _is_wsl_gpu(files: Files) -> bool:
    return files.exists("/dev/dxg") and files.exists(f"{_WSL_LIBRARIES}/libcuda.so.1")


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
    except msgspec.DecodeError:
        last = output.err.strip().rpartition("\n")[2]
        files.note("NVML", f"its process ended with status {output.status}: {last or 'no message'}")
        return Answer()
    for why in answer.errors:
        files.note("NVML", why)
    return Answer(driver_version=answer.driver_version, gpus=answer.gpus)


def _silent_gpus(files: Files, pci_devices: tuple[str, ...]) -> tuple[Gpu, ...]:
    """Return the GPUs that only the kernel shows: their names at most, no compute capability."""
    folder = "/proc/driver/nvidia/gpus"
    gpus = []
    for index, address in enumerate(files.names(folder) or pci_devices):
        lines = (files.text(f"{folder}/{address}/information") or "").splitlines()
        fields = {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in lines)}
        name = fields.get("Model") or f"NVIDIA GPU at {address}"
        gpus.append(Gpu(index=index, name=name, uuid=fields.get("GPU UUID")))
    return tuple(gpus)
