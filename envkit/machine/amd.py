"""Probe AMD's driver, GPUs and ROCm by the files of the kernel's compute driver (KFD)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from envkit.api.facts import Amd, AmdGpu
from envkit.machine.devices import read_device_files, render_node_paths
from envkit.machine.pci import AMD, DEVICES, read_display_devices

if TYPE_CHECKING:
    from collections.abc import Mapping

    from envkit.machine.files import Files

_NODES = "/sys/class/kfd/kfd/topology/nodes"
_PRODUCTS = "/usr/share/libdrm/amdgpu.ids"
_ROCM = "/opt/rocm"
# Targets that are parts of processors. Source: LLVM, "User Guide for AMDGPU Backend", table of processors. The
# MI300A (gfx942) is one too, but computes as its sisters without a processor do.
_INTEGRATED = frozenset(
    {
        *("gfx700", "gfx801", "gfx810", "gfx902", "gfx909", "gfx90c"),
        *("gfx1013", "gfx1033", "gfx1035", "gfx1036", "gfx1037"),
        *("gfx1103", "gfx1150", "gfx1151", "gfx1152", "gfx1153"),
    }
)
_DATA_CENTRE = frozenset({"gfx940", "gfx941", "gfx942", "gfx950"})


@dataclass(frozen=True, kw_only=True)
class _Node:
    """A GPU as the compute driver shows it; ``address`` is its place on the PCI bus."""

    address: str
    target: str
    has_processor: bool
    memory: int | None


def read_amd(files: Files, *, environ: Mapping[str, str]) -> Amd:
    """Return every AMD GPU; ``target`` is None for one that the compute driver does not know."""
    nodes = _nodes(files)
    by_address = {node.address: node for node in nodes}
    others = [each.address for each in read_display_devices(files, AMD) if each.address not in by_address]
    gpus = tuple(_gpu(files, node) for node in nodes) + tuple(
        AmdGpu(name=_name(files, address, None), memory=_video_memory(files, address)) for address in others
    )
    rocm = _rocm_version(files, environ)
    if not gpus:
        return Amd(rocm_version=rocm)
    return Amd(
        # The kernel's own driver carries no version.
        driver_version=_version(files.text("/sys/module/amdgpu/version")),
        rocm_version=rocm,
        gpus=gpus,
        devices=read_device_files(files, ("/dev/kfd", *render_node_paths(files, AMD))),
    )


def gfx_name(version: int) -> str | None:
    """Return the compiler's name of KFD's ``gfx_target_version``: ``gfx90a`` for 90010; None for nonsense.

    Source: Linux, amdkfd, kfd_device.c: major * 10000 + minor * 100 + stepping; the last two are hexadecimal
    digits of the name.
    """
    major, minor, stepping = version // 10000, version // 100 % 100, version % 100
    if not 6 <= major < 100 or minor > 15 or stepping > 15:
        return None
    return f"gfx{major}{minor:x}{stepping:x}"


def _nodes(files: Files) -> tuple[_Node, ...]:
    found = []
    for name in sorted(files.names(_NODES), key=lambda name: (len(name), name)):
        values = _properties(files, f"{_NODES}/{name}/properties")
        target = gfx_name(values.get("gfx_target_version", 0))
        if target is None:  # a processor's node
            continue
        place = values.get("location_id", 0)
        found.append(
            _Node(
                address=f"{values.get('domain', 0):04x}:{place >> 8 & 0xFF:02x}:{place >> 3 & 0x1F:02x}.{place & 7}",
                target=target,
                has_processor=values.get("cpu_cores_count", 0) > 0,
                memory=_bank_memory(files, f"{_NODES}/{name}/mem_banks"),
            )
        )
    return tuple(found)


def _properties(files: Files, path: str) -> dict[str, int]:
    pairs = (line.split() for line in (files.text(path) or "").splitlines())
    return {
        pair[0]: int(pair[1]) for pair in pairs if len(pair) == 2 and re.fullmatch(r"[0-9]{1,15}", pair[1])
    }


def _bank_memory(files: Files, folder: str) -> int | None:
    # Heaps 1 and 2 are the GPU's own memory, 0 is the machine's.
    banks = [_properties(files, f"{folder}/{name}/properties") for name in files.names(folder)]
    return sum(bank.get("size_in_bytes", 0) for bank in banks if bank.get("heap_type") in (1, 2)) or None


def _gpu(files: Files, node: _Node) -> AmdGpu:
    is_apu = node.target in _INTEGRATED or (node.has_processor and node.target not in _DATA_CENTRE)
    return AmdGpu(
        name=_name(files, node.address, node.target),
        target=node.target,
        memory=_video_memory(files, node.address) or node.memory,
        is_integrated=is_apu,
    )


def _video_memory(files: Files, address: str) -> int | None:
    text = (files.text(f"{DEVICES}/{address}/mem_info_vram_total", limit=64) or "").strip()
    return int(text) if re.fullmatch(r"[0-9]{1,15}", text) else None


def _name(files: Files, address: str, target: str | None) -> str:
    """Return the board's own name, else that of libdrm's list, else what tells the GPU from others."""
    folder = f"{DEVICES}/{address}"
    board = (files.text(f"{folder}/product_name", limit=256) or "").strip()
    if board:
        return board
    device, revision = (
        (files.text(f"{folder}/{name}", limit=64) or "").strip().lower().removeprefix("0x")
        for name in ("device", "revision")
    )
    for line in (files.text(_PRODUCTS) or "").splitlines() if device else ():
        cells = [cell.strip() for cell in line.split(",", 2)]
        if len(cells) == 3 and (cells[0].lower(), cells[1].lower()) == (device, revision) and cells[2]:
            return cells[2]
    return f"AMD GPU {target}" if target else f"AMD GPU at {address}"


def _rocm_version(files: Files, environ: Mapping[str, str]) -> str | None:
    named = [environ.get(name, "") for name in ("ROCM_PATH", "ROCM_HOME")]
    beside = sorted((name for name in files.names("/opt") if name.startswith("rocm-")), key=_numbers)
    folders = [path for path in named if path.startswith("/")]
    folders += [_ROCM, *(f"/opt/{name}" for name in reversed(beside))]
    versions = (_version(files.text(f"{folder}/.info/version", limit=256)) for folder in folders)
    return next((version for version in versions if version), None)


def _numbers(name: str) -> list[int]:
    return [int(number) for number in re.findall(r"[0-9]{1,9}", name)]


def _version(text: str | None) -> str | None:
    # ROCm's build number follows a dash.
    match = re.match(r"\s*([0-9]+(?:\.[0-9]+)+)", text or "")
    return match[1] if match else None
