"""Locks as envkit makes them, small."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from envkit.api.facts import FoundInterpreter, Gpu, Nvidia
from envkit.environments.lockfile.facts import locked_facts
from envkit.environments.lockfile.records import (
    Lock,
    LockedFacts,
    LockedGpu,
    LockedMachine,
    LockedTorch,
    LockedWheel,
)
from envkit.environments.lockfile.write import write_lock
from envkit.environments.records import EnvSpec
from envkit.machine import MachineFacts, read_facts

if TYPE_CHECKING:
    from pathlib import Path

HERE = read_facts()
PYTHON = "3.12.4"
DIGEST = "5" * 64
CPU = LockedTorch(version="2.8.0+cpu", variant="cpu", source="torch index", reason="No GPU.")
CUDA = LockedTorch(version="2.8.0+cu126", variant="cu126", source="torch index", reason="It fits.")
H100 = LockedGpu(name="NVIDIA H100", compute_capability="9.0")
GPU_FACTS = LockedFacts(system="linux", machine="x86_64", libc="glibc 2.35", driver="560.35.03", gpus=(H100,))


def machine(**platform: Any) -> MachineFacts:
    """Return a Linux machine with Python 3.12 and no GPU, but with what is changed of its platform."""
    usual = {"system": "linux", "machine": "x86_64", "libc": "glibc", "libc_version": "2.36"}
    return msgspec.structs.replace(
        HERE,
        python=msgspec.structs.replace(HERE.python, version=PYTHON),
        platform=msgspec.structs.replace(HERE.platform, **{**usual, **platform}),
        interpreters=(FoundInterpreter(path="/usr/bin/python3.13", version="3.13"),),
        nvidia=Nvidia(),
    )


def with_gpu(facts: MachineFacts, *, name: str = "NVIDIA H100", capability: str = "9.0") -> MachineFacts:
    """Return the machine with such a GPU."""
    gpu = Gpu(index=0, name=name, compute_capability=capability, uuid="GPU-secret")
    return msgspec.structs.replace(facts, nvidia=Nvidia(driver_version="560.35.03", gpus=(gpu,)))


def wheel(name: str, version: str = "1.0", **changes: Any) -> LockedWheel:
    """Return a wheel of an index."""
    values: dict[str, Any] = {
        "url": f"https://index.example/{name}/{name.replace('-', '_')}-{version}-py3-none-any.whl",
        "sha256": DIGEST,
        "size": 1234,
    }
    return LockedWheel(name=name, version=version, **{**values, **changes})


def section(**changes: Any) -> LockedMachine:
    """Return the section of the machine above, for two packages."""
    values: dict[str, Any] = {
        "name": "linux x86_64, cpu, Python 3.12",
        "python": PYTHON,
        "facts": locked_facts(machine()),
        "asked": ("tiny",),
        "wheels": (wheel("other"), wheel("tiny")),
    }
    return LockedMachine(**{**values, **changes})


def write(folder: Path, *sections: LockedMachine, spec: EnvSpec | None = None) -> Path:
    """Write a lock file and return its path."""
    lock = Lock(spec=spec or EnvSpec(packages=("tiny",)), machines=sections or (section(),))
    file = folder / "envkit.lock"
    file.write_text(write_lock(lock, folder=folder), encoding="utf-8")
    return file
