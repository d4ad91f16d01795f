"""Which GPUs a container gets, and by which way; never a silent fall to the CPU.

Sources: Docker Engine API, ``DeviceRequest``; NVIDIA Container Toolkit, "Specialized configurations" and
"Support for Container Device Interface".
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from packaging.version import InvalidVersion, Version

from envkit.api import ImageError
from envkit.images.layout import DRIVER_LABEL, TORCH_LABEL, VARIANT_LABEL
from envkit.torchbuild import load_table
from envkit.torchbuild.fit import check_driver, cuda_of, usable_gpus

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from envkit.machine import MachineFacts

GpuWay = Literal["none", "device-request", "cdi"]

ALL_GPUS = "nvidia.com/gpu=all"
_CDI_KIND = "nvidia.com/gpu"
_CDI_DIRS = ("/etc/cdi", "/var/run/cdi")
_HOOK = "nvidia-container-runtime-hook"  # with it on its PATH, dockerd obeys --gpus without any setting
_TOOLKIT = "docs.nvidia.com/datacenter/cloud-native/container-toolkit"


@dataclass(frozen=True, kw_only=True)
class EngineDevices:
    """What an engine says of the ways on which it hands out NVIDIA GPUs."""

    has_runtime: bool = False
    has_cdi: bool = False
    is_podman: bool = False


@dataclass(frozen=True, kw_only=True)
class GpuChoice:
    """The way by which all GPUs come into the container, and the device that the run has to ask for.

    ``device`` is set where the user left it open and there are GPUs: with ``auto`` the worker would take the
    CPU if they did not show up.
    """

    way: GpuWay
    device: str | None = None


def read_engine_devices(
    info: Mapping[str, Any],
    *,
    is_podman: bool = False,
    root: Path = Path("/"),
    find_program: Callable[[str], str | None] = shutil.which,
) -> EngineDevices:
    """Return what ``docker info`` and the machine under a local engine tell of GPUs."""
    runtimes = info.get("Runtimes") or {}
    found = [str(device.get("ID", "")) for device in info.get("DiscoveredDevices") or ()]
    folders = _CDI_DIRS if is_podman else tuple(info.get("CDISpecDirs") or ())
    return EngineDevices(
        has_runtime="nvidia" in runtimes or (not is_podman and find_program(_HOOK) is not None),
        has_cdi=any(_CDI_KIND in device for device in found) or _has_cdi_spec(folders, root=root),
        is_podman=is_podman,
    )


def choose_gpus(
    asked: str | None,
    *,
    reference: str,
    labels: Mapping[str, str],
    facts: MachineFacts,
    engine: EngineDevices,
    environ: Mapping[str, str],
) -> GpuChoice:
    """Return whether and how a run gets the GPUs; ``asked`` is its device, None where its task has no such option.

    Raises: ImageError where a GPU was asked for, or is here, and the image, its driver or the engine cannot
    give it.
    """
    variant = labels.get(VARIANT_LABEL, "")
    has_gpus = bool(usable_gpus(facts)) and environ.get("CUDA_VISIBLE_DEVICES", "all") not in ("", "-1")
    wants = asked or "auto"
    if wants == "mps":
        raise ImageError(
            "the device mps cannot be used: macOS gives it to no container",
            hint="Leave the container out (--env auto), or compute on the CPU: --device cpu",
        )
    if wants == "cpu" or (wants == "auto" and (not has_gpus or not variant)):
        return GpuChoice(way="none")
    if not has_gpus:
        raise ImageError(
            f"the device {wants} cannot be used: this machine has no NVIDIA GPU that a driver answers for",
            hint="See why: envkit doctor; or compute on the CPU: --device cpu",
        )
    if cuda_of(variant) is None:
        torch = f"torch {labels[TORCH_LABEL]}" if TORCH_LABEL in labels else "no torch"
        raise ImageError(
            f"the GPUs of this machine cannot be used in {reference}: it holds {torch}, built for "
            f"{variant or 'no device'} alone",
            hint="Build one for them: envkit build task --task TASK --torch auto; or compute on the CPU: --device cpu",
        )
    _check_driver(reference, labels, facts)
    way: GpuWay = "cdi" if engine.has_cdi else "none"
    if engine.has_runtime and not engine.is_podman:
        way = "device-request"
    if way == "none":
        raise _no_way(engine)
    return GpuChoice(way=way, device="cuda" if wants == "auto" and asked is not None else None)


def _check_driver(reference: str, labels: Mapping[str, str], facts: MachineFacts) -> None:
    variant, here = labels[VARIANT_LABEL], facts.nvidia.driver_version or ""
    if facts.platform.is_wsl:  # its driver is that of Windows, which is numbered otherwise
        obstacle = check_driver(facts, variant, table=load_table())
        needed = "" if obstacle is None else obstacle.why
    else:
        oldest = labels.get(DRIVER_LABEL, "")
        is_old = bool(oldest) and _version(here) < _version(oldest)
        needed = (
            f"its CUDA ({variant}) needs NVIDIA driver {oldest} or newer, here is {here}" if is_old else ""
        )
    if needed:
        raise ImageError(
            f"{reference} cannot use the GPUs of this machine: {needed}",
            hint="Install a newer driver, or build an image for this one: envkit build task --task TASK; "
            "or compute on the CPU: --device cpu",
        )


def _no_way(engine: EngineDevices) -> ImageError:
    if engine.is_podman:
        command = "sudo nvidia-ctk cdi generate --output=/etc/cdi/nvidia.yaml"
    else:
        command = "sudo nvidia-ctk runtime configure --runtime=docker && sudo systemctl restart docker"
    return ImageError(
        "this machine has NVIDIA GPUs, and its engine cannot give them to a container",
        hint=f"Install NVIDIA's container toolkit ({_TOOLKIT}), then: {command}; "
        "or compute on the CPU: --device cpu",
    )


def _has_cdi_spec(folders: tuple[str, ...], *, root: Path) -> bool:
    for folder in folders:
        for file in sorted((root / folder.lstrip("/")).glob("*")):
            try:
                if file.suffix in (".yaml", ".yml", ".json") and _CDI_KIND in file.read_text("utf-8"):
                    return True
            except (OSError, UnicodeDecodeError):
                continue
    return False


def _version(text: str) -> Version:
    try:
        return Version(text)
    except InvalidVersion:
        return Version("0")
