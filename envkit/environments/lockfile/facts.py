"""From a machine's facts to those that a lock rests on, and back."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from envkit.api.facts import Cpu, Gpu, Interpreter, MachineFacts, Memory, Nvidia, Platform
from envkit.environments.lockfile.records import LockedFacts, LockedGpu
from envkit.environments.requirements import minor_version
from envkit.torchbuild.fit import usable_gpus

if TYPE_CHECKING:
    from collections.abc import Sequence

# Those by which the levels of x86-64 are told apart.
_DECIDING_FEATURES = frozenset({"avx2", "avx512_bf16"})


def locked_facts(facts: MachineFacts) -> LockedFacts:
    """Return those that decide what is installed."""
    platform = facts.platform
    gpus = {(gpu.name, gpu.compute_capability or "") for gpu in usable_gpus(facts)}
    is_mac = platform.system == "darwin"
    return LockedFacts(
        system=platform.system,
        machine=platform.machine,
        libc=" ".join(filter(None, [platform.libc, platform.libc_version])),
        os_version=(platform.os_version or "") if is_mac else "",
        is_wsl=platform.is_wsl,
        driver=(facts.nvidia.driver_version or "") if gpus else "",
        gpus=tuple(LockedGpu(name=name, compute_capability=capability) for name, capability in sorted(gpus)),
        cpu_features=tuple(sorted(_DECIDING_FEATURES.intersection(facts.cpu.features))),
    )


def machine_facts(locked: LockedFacts, *, python: str) -> MachineFacts:
    """Return a machine of this kind, with nothing in it but what the lock rests on, and this Python."""
    libc, _, libc_version = locked.libc.partition(" ")
    gpus = tuple(
        Gpu(index=index, name=gpu.name, compute_capability=gpu.compute_capability)
        for index, gpu in enumerate(locked.gpus)
    )
    return MachineFacts(
        taken_at="",
        python=Interpreter(path=sys.executable, version=python, implementation="cpython", is_64bit=True),
        platform=Platform(
            system=locked.system,
            machine=locked.machine,
            kernel="",
            os_version=locked.os_version or None,
            libc=libc or None,
            libc_version=libc_version or None,
            is_wsl=locked.is_wsl,
        ),
        cpu=Cpu(features=locked.cpu_features),
        memory=Memory(),
        nvidia=Nvidia(driver_version=locked.driver or None, gpus=gpus),
    )


def machine_name(facts: LockedFacts, *, python: str) -> str:
    """Return what people call such a machine: ``linux x86_64, NVIDIA A100, driver 535.104, Python 3.11``."""
    gpus = list(dict.fromkeys(gpu.name for gpu in facts.gpus))
    devices = [*gpus, f"driver {facts.driver}"] if gpus else ["cpu"]
    return ", ".join([f"{facts.system} {facts.machine}", *devices, f"Python {minor_version(python)}"])


def pythons_of(facts: MachineFacts) -> Sequence[str]:
    """Return the versions of the Pythons of a machine, as far as they are known, the running one first."""
    return facts.python.version, *(each.version for each in facts.interpreters)
