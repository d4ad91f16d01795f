"""Say of each family of builds why none of it fits. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from envkit.torchbuild.accelerators import MAKERS, accelerated_gpus
from envkit.torchbuild.fit import usable_gpus

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from envkit.machine import MachineFacts
    from envkit.torchbuild.candidates import Candidate
    from envkit.torchbuild.rows import Family
    from envkit.torchbuild.table import Table

_FAMILIES: tuple[Family, ...] = ("CUDA", "ROCm", "XPU", "MPS", "CPU")


def explain_families(
    facts: MachineFacts, candidates: Sequence[Candidate], *, table: Table
) -> Iterator[tuple[Family, str]]:
    """Yield each family and, in words, what keeps its nearest build from this machine."""
    for family in _FAMILIES:
        yield family, _why_not(facts, family, candidates, table=table)


def _why_not(facts: MachineFacts, family: Family, candidates: Sequence[Candidate], *, table: Table) -> str:
    absent = _absent(facts, family, table=table)
    if absent is not None:
        return absent
    own = [each for each in candidates if each.family == family]
    if not own:
        return f"no builds for {facts.platform.system} on {facts.platform.machine}"
    nearest = max(own, key=lambda each: (-len(each.obstacles), each.rank))
    why = "; ".join(obstacle.why for obstacle in nearest.obstacles)
    return why if why.startswith("torch ") else f"torch {nearest.version}: {why}"


def _absent(facts: MachineFacts, family: Family, *, table: Table) -> str | None:
    """Return that there is no GPU for a family, None where there is one or none is needed."""
    if family == "CUDA" and not usable_gpus(facts):
        return "no NVIDIA GPU with a driver"
    if family in MAKERS and not accelerated_gpus(facts, family, table=table):
        others = any(not gpu.is_integrated for gpu in facts.amd.gpus if family == "ROCm")
        others = others or any(not gpu.is_integrated for gpu in facts.intel.gpus if family == "XPU")
        return "left to NVIDIA's GPUs" if facts.nvidia.gpus and others else f"no GPU of {MAKERS[family]}"
    if family == "MPS" and facts.platform.system != "darwin":
        return "not a Mac"
    return None
