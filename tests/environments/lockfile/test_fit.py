"""Which section serves which machine, and the line that is named where none does."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from environments.lockfile.locks import CPU, CUDA, GPU_FACTS, machine, section, wheel, with_gpu, write

from envkit.api import EnvError
from envkit.environments.lockfile.fit import choose_section, find_misfit
from envkit.environments.lockfile.read import read_lock
from envkit.environments.lockfile.records import LockedBase, LockedMachine
from envkit.environments.records import EnvSpec

if TYPE_CHECKING:
    from envkit.machine import MachineFacts

TORCH: dict[str, Any] = {"asked": ("torch",), "wheels": (wheel("torch", "2.8.0"),)}
ON_GPU = section(name="gpu", facts=GPU_FACTS, torch=CUDA, **TORCH)
ON_CPU = section(name="cpu", torch=CPU, **TORCH)
NEW_GLIBC = wheel("built", file="built-1.0-cp312-cp312-manylinux_2_34_x86_64.whl", url="")
BASE = LockedBase(name="python", version="3.12.4", url="u", sha256="5" * 64)


@pytest.mark.parametrize(
    ("locked", "facts", "key", "said"),
    [
        (section(), machine(), None, ""),
        (section(), machine(libc_version="2.17"), None, ""),
        (section(), machine(system="darwin"), "facts.system", "is for linux, and this machine runs darwin"),
        (section(), machine(machine="aarch64"), "facts.machine", "is for x86_64, and this machine is aarch64"),
        (section(), machine(libc="musl"), "facts.libc", "is for glibc, and this machine has musl"),
        (section(python="3.11.9"), machine(), "python", "is for Python 3.11, and on PATH there is 3.12, 3.13"),
        (section(python="3.13.1"), machine(), None, ""),
        (section(python="3.12.9"), machine(), None, ""),
        (section(wheels=(NEW_GLIBC,)), machine(), None, ""),
        (section(wheels=(NEW_GLIBC,)), machine(libc_version="2.31"), "wheels", r"built-1.0-cp312.*glibc 2\.31"),
        (ON_CPU, machine(), None, ""),
        (ON_CPU, with_gpu(machine()), "torch.version", "is a CPU build, but this machine has NVIDIA H100"),
        (ON_GPU, machine(), "torch.version", r"is torch 2\.8\.0\+cu126, for NVIDIA GPUs, and none"),
        (ON_GPU, with_gpu(machine()), None, ""),
        (ON_GPU, with_gpu(machine(), name="NVIDIA A100", capability="8.0"), None, ""),
        (ON_GPU, with_gpu(machine(), name="NVIDIA B200", capability="10.0"), "torch.version", "no kernels for NVIDIA B200"),
        (section(base=(BASE,), python="3.10.1", wheels=()), machine(), None, ""),
        (section(base=(BASE,), wheels=()), machine(libc_version="2.31"), "facts.libc", r"glibc 2\.36 or newer, .* has 2\.31"),
        (section(base=(BASE,), facts=GPU_FACTS, wheels=()), machine(), "facts.driver", r"a driver for CUDA 12\.6 or newer, .* has none"),
    ],
)  # fmt: skip
def test_section_fits_a_machine_or_says_what_does_not(
    locked: LockedMachine, facts: MachineFacts, key: str | None, said: str
) -> None:
    found = find_misfit(locked, EnvSpec(), facts)
    assert (found.key if found else None) == key
    if found is not None:
        pytest.raises(EnvError, _raise, found.what).match(said)


def _raise(what: str) -> None:
    raise EnvError(what)


def test_cpu_build_that_was_asked_for_fits_a_machine_with_a_gpu() -> None:
    assert find_misfit(ON_CPU, EnvSpec(torch="cpu"), with_gpu(machine())) is None


def test_lock_of_several_machines_gives_each_its_own(tmp_path: Path) -> None:
    newer = section(name="newer", python="3.13.1", torch=CPU, **TORCH)
    lock = read_lock(write(tmp_path, newer, ON_GPU, ON_CPU))
    assert choose_section(lock, machine()) == 2
    assert choose_section(lock, with_gpu(machine())) == 1
    other = msgspec.structs.replace(machine().python, version="3.13.0")
    assert choose_section(lock, msgspec.structs.replace(machine(), python=other)) == 0


def test_lock_that_fits_nothing_names_a_line_of_every_section(tmp_path: Path) -> None:
    file = write(tmp_path, ON_GPU, section(wheels=(wheel("tiny"), NEW_GLIBC)))
    lock = dataclasses.replace(read_lock(file), file=Path("envkit.lock"))
    with pytest.raises(EnvError) as caught:
        choose_section(lock, machine(libc_version="2.31"))
    lines = file.read_text().splitlines()
    first, second, third = caught.value.message.splitlines()
    assert first.startswith(
        "nothing in envkit.lock fits this machine (linux x86_64, glibc 2.31, no usable NVIDIA"
    )
    assert lines[int(second.split(":")[1]) - 1] == 'torch.version = "2.8.0+cu126"'
    assert NEW_GLIBC.file in lines[int(third.split(":")[1]) - 1]
    assert "envkit lock --for facts.json" in str(caught.value.hint)
