"""The machine and the environment of a run, in a few lines."""

from __future__ import annotations

from typing import TYPE_CHECKING

from envkit.masking import mask_secrets
from envkit.runs.report.excerpts import cut, visible
from envkit.runs.report.numbers import bytes_text
from envkit.runs.report.records import Fact

if TYPE_CHECKING:
    from collections.abc import Iterator

    from envkit.api.records import MetricsRecord, RunRequest
    from envkit.machine import Cpu, MachineFacts, Memory, Nvidia, Platform


def show_machine(
    facts: MachineFacts | None, request: RunRequest, metrics: MetricsRecord | None
) -> list[Fact]:
    """Return what the run computed on and in; without facts (runs of an older envkit), the environment alone."""
    found = [] if facts is None else [*_hardware(facts), _system(facts.platform)]
    environment = request.environment
    found.append(
        Fact(
            name="environment",
            value=visible(cut(environment.name or environment.kind, 120)),
            note=visible(cut(mask_secrets(environment.reason), 400)),
        )
    )
    packages = {} if metrics is None else metrics.packages
    versions = [f"{name} {packages[name]}" for name in ("torch", "transformers") if name in packages]
    if metrics is not None:
        versions = [f"Python {metrics.python}", *versions]
        found.append(Fact(name="computed with", value=", ".join(versions)))
        found.append(Fact(name="peak memory", value=_peak(metrics)))
    return found


def _hardware(facts: MachineFacts) -> Iterator[Fact]:
    yield Fact(name="processor", value=facts.cpu.model or facts.platform.machine, note=_cores(facts.cpu))
    memory = _memory(facts.memory)
    if memory:
        yield Fact(name="memory", value=memory)
    yield from _gpus(facts.nvidia)


def _cores(cpu: Cpu) -> str:
    if cpu.logical_cores is None:
        return ""
    cores = f"{cpu.logical_cores} {'core' if cpu.logical_cores == 1 else 'cores'}"
    return f"{cores}, of which {cpu.quota:g} may be used" if cpu.quota is not None else cores


def _memory(memory: Memory) -> str:
    if memory.total is None:
        return ""
    limit = f", of which {bytes_text(memory.limit)} may be used" if memory.limit is not None else ""
    return bytes_text(memory.total) + limit


def _gpus(nvidia: Nvidia) -> Iterator[Fact]:
    driver = f"driver {nvidia.driver_version}" if nvidia.driver_version else "no driver"
    for gpu in nvidia.gpus:
        parts = [
            bytes_text(gpu.memory) if gpu.memory else "",
            f"compute capability {gpu.compute_capability}" if gpu.compute_capability else "",
            driver,
        ]
        yield Fact(
            name=f"GPU {gpu.index}" if len(nvidia.gpus) > 1 else "GPU",
            value=gpu.name,
            note=", ".join(part for part in parts if part),
        )
    if not nvidia.gpus:
        yield Fact(name="GPU", value="no NVIDIA GPU")


def _system(platform: Platform) -> Fact:
    name = platform.os_name or platform.system
    if platform.os_version and platform.os_version not in name:
        name = f"{name} {platform.os_version}"
    inside = [
        word for word, holds in (("WSL", platform.is_wsl), ("a container", platform.is_container)) if holds
    ]
    return Fact(
        name="system",
        value=f"{name}, {platform.machine}" + (f", in {' and '.join(inside)}" if inside else ""),
        note=f"kernel {platform.kernel}",
    )


def _peak(metrics: MetricsRecord) -> str:
    gpu = f", on the GPU {bytes_text(metrics.peak_gpu_bytes)}" if metrics.peak_gpu_bytes else ""
    return bytes_text(metrics.peak_memory_bytes) + gpu
