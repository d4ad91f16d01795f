"""Judge ROCm and XPU builds against AMD's and Intel's GPUs. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from envkit.torchbuild.fit import Obstacle, join_names
from envkit.torchbuild.variants import family_of, machine_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from packaging.version import Version

    from envkit.api.facts import AmdGpu, IntelGpu
    from envkit.machine import MachineFacts
    from envkit.torchbuild.rows import Build
    from envkit.torchbuild.table import Table

MAKERS = {"ROCm": "AMD", "XPU": "Intel"}


def accelerated_gpus(
    facts: MachineFacts, family: str | None, *, table: Table
) -> tuple[AmdGpu | IntelGpu, ...]:
    """Return the GPUs that builds of a family would compute on: discrete ones, and AMD's integrated ones that
    some build holds code for. A machine with NVIDIA's is left to those.
    """
    if facts.nvidia.gpus:
        return ()
    if family == "ROCm":
        rows = [row for row in table.builds if family_of(row.variant) == "ROCm"]
        return tuple(
            gpu
            for gpu in facts.amd.gpus
            if not gpu.is_integrated or any(holds_target(row, gpu) for row in rows)
        )
    if family == "XPU":
        return tuple(gpu for gpu in facts.intel.gpus if not gpu.is_integrated)
    return ()


def check_accelerator(
    facts: MachineFacts, version: Version, variant: str, *, table: Table
) -> Iterator[Obstacle]:
    """Yield what keeps a ROCm or XPU build from computing on this machine's GPUs; without any nothing does."""
    family = family_of(variant)
    gpus = accelerated_gpus(facts, family, table=table)
    if not gpus:
        return
    build = table.find_build(
        version, variant, machine=machine_of(facts.platform), system=facts.platform.system
    )
    unknown = tuple(gpu for gpu in gpus if _target(gpu) is None)
    if unknown:
        yield Obstacle(
            f"nothing tells what kind of GPU {name_accelerators(unknown)} is",
            "load its driver (amdgpu), whose /dev/kfd tells" if family == "ROCm" else None,
            "a driver that answers" if family == "ROCm" else None,
        )
    if build is None:  # somebody's own, or newer than the table: given the benefit
        return
    lost = tuple(gpu for gpu in gpus if _target(gpu) is not None and not holds_target(build, gpu))
    discrete = tuple(gpu for gpu in lost if not gpu.is_integrated)
    if discrete or (lost and len(lost) == len(gpus)):
        yield Obstacle(f"it has no kernels for {name_accelerators(discrete or lost)}")


def holds_target(build: Build, gpu: AmdGpu | IntelGpu) -> bool:
    """Tell whether a build has machine code for a GPU.

    An AMD target is its own and nobody else's; of Intel's device numbers the first digits tell the kind.
    """
    target = _target(gpu)
    if target is None:
        return False
    if family_of(build.variant) == "ROCm":
        return target in build.targets
    return target.startswith(build.targets)


def name_accelerators(gpus: tuple[AmdGpu | IntelGpu, ...]) -> str:
    """Return names and targets, each once, for a sentence; of many the first, and a count."""
    return join_names(f"{gpu.name} ({_target(gpu)})" if _target(gpu) else gpu.name for gpu in gpus)


def _target(gpu: AmdGpu | IntelGpu) -> str | None:
    # gfx90a:sramecc+:xnack- is the same processor with its switches.
    text = getattr(gpu, "target", None) or getattr(gpu, "pci_id", None)
    return None if text is None else text.lower().partition(":")[0]
