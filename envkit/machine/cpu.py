"""Probe the processor: model, cores that this process may use, features."""

from __future__ import annotations

from typing import TYPE_CHECKING

from envkit.api.facts import Cpu

if TYPE_CHECKING:
    from envkit.machine.files import Files
    from envkit.machine.sysctl import Sysctl

# Those that torch's CPU kernels are chosen by: vector width, and matrix units for bfloat16.
FEATURES = ("avx2", "avx512f", "avx512_bf16", "amx_bf16", "sve", "bf16")
_TOPOLOGY = "/sys/devices/system/cpu/cpu{}/topology/thread_siblings_list"


def read_linux_cpu(files: Files, *, quota: float | None) -> Cpu:
    """Return the processor as Linux describes it; ``quota`` is the control group's, in cores."""
    fields = _first_processor(files)
    allowed = _allowed_cores(files)
    flags = set((fields.get("flags") or fields.get("Features") or "").split())
    if not fields:
        files.note("processor", "/proc/cpuinfo says nothing")
    return Cpu(
        model=fields.get("model name") or fields.get("Model") or None,
        physical_cores=_physical_cores(files, allowed),
        logical_cores=len(allowed) or None,
        quota=quota,
        features=tuple(name for name in FEATURES if name in flags),
    )


def read_macos_cpu(sysctl: Sysctl) -> Cpu:
    """Return the processor as macOS describes it."""
    return Cpu(
        model=sysctl.text("machdep.cpu.brand_string"),
        physical_cores=sysctl.number("hw.physicalcpu"),
        logical_cores=sysctl.number("hw.logicalcpu"),
    )


def _first_processor(files: Files) -> dict[str, str]:
    # The kernel measures each core's clock as the file is read, so only its beginning is.
    text = files.text("/proc/cpuinfo", limit=8192) or ""
    lines = (line.partition(":") for line in text.partition("\n\n")[0].splitlines())
    return {key.strip(): value.strip() for key, colon, value in lines if colon}


def _allowed_cores(files: Files) -> list[int]:
    for line in (files.text("/proc/self/status") or "").splitlines():
        key, _, value = line.partition(":")
        if key == "Cpus_allowed_list":
            try:
                return parse_core_list(value)
            except ValueError:
                break
    files.note("cores", "/proc/self/status does not say which this process may use")
    return []


def parse_core_list(text: str) -> list[int]:
    """Return the numbers of a list such as ``0-3,8``. Raises: ValueError."""
    cores: list[int] = []
    for part in text.strip().split(","):
        first, _, last = part.partition("-")
        cores += range(int(first), int(last or first) + 1)
    return cores


def _physical_cores(files: Files, allowed: list[int]) -> int | None:
    siblings = [files.text(_TOPOLOGY.format(core)) for core in allowed]
    if not siblings or None in siblings:
        if allowed:
            files.note("physical cores", "/sys does not say which logical cores share one")
        return None
    return len(set(siblings))
