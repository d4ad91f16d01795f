"""Which section of a lock an image is built from."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import msgspec
import pytest
from environments.lockfile.locks import CPU, CUDA, GPU_FACTS, PYTHON, section, write
from images.planned import HERE, Place, make_base, make_place

from envkit.api import BasePackage, EnvError, UsageError
from envkit.api.facts import Gpu, Nvidia
from envkit.environments.lockfile.entries import locked_base
from envkit.environments.lockfile.read import read_lock
from envkit.environments.records import EnvSpec
from envkit.images.contents.of_lock import section_of

if TYPE_CHECKING:
    from pathlib import Path

    from envkit.environments.lockfile.records import LockedMachine
    from envkit.images.contents.of_lock import ChosenSection

SPEC = EnvSpec(tasks=("echo",), packages=("tiny",))
FOR_GPU = section(torch=CUDA, facts=GPU_FACTS)
FOR_CPU = section(torch=CPU)
OTHER_GPU = Gpu(index=0, name="NVIDIA V100", compute_capability="7.0")


def choose(place: Place, *sections: LockedMachine, nvidia: Nvidia, spec: EnvSpec = SPEC) -> ChosenSection:
    """Return the section for a machine with these GPUs."""
    facts = msgspec.structs.replace(HERE, nvidia=nvidia)
    here = replace(place, planning=replace(place.planning, facts=facts))
    lock = read_lock(write(place.folder, *sections, spec=spec))
    return section_of(lock, base=make_base(), planning=here.image())


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return make_place(tmp_path)


def test_section_for_gpus_serves_a_machine_that_has_none(place: Place) -> None:
    chosen = choose(place, FOR_GPU, nvidia=Nvidia())
    assert chosen.section.torch == CUDA
    assert chosen.facts.nvidia.driver_version == GPU_FACTS.driver
    assert chosen.notes == ("This machine has no GPU: the image is for NVIDIA H100, as it is locked",)


def test_section_without_gpus_goes_before_one_with(place: Place) -> None:
    chosen = choose(place, FOR_GPU, FOR_CPU, nvidia=Nvidia())
    assert (chosen.section.torch, chosen.notes) == (CPU, ())


def test_section_for_other_gpus_than_are_here_is_refused(place: Place) -> None:
    nvidia = Nvidia(driver_version="560.35.03", gpus=(OTHER_GPU,))
    old = msgspec.structs.replace(CUDA, variant="cu130", version="2.9.0+cu130")
    with pytest.raises(EnvError, match=r"for an image from python:3\.12-slim-bookworm: nothing in"):
        choose(place, section(torch=old, facts=GPU_FACTS), nvidia=nvidia)


def test_lock_without_a_task_is_refused(place: Place) -> None:
    with pytest.raises(UsageError, match="has no task") as error:
        choose(place, section(), nvidia=Nvidia(), spec=EnvSpec(packages=("tiny",)))
    assert "--task ner" in str(error.value.hint)


def test_lock_for_conda_is_refused(place: Place) -> None:
    package = BasePackage(name="python", version=PYTHON, build="0", channel="main", url="u", sha256="5" * 64)
    conda = section(base=locked_base([package]))
    with pytest.raises(EnvError, match="is locked for conda") as error:
        choose(place, conda, nvidia=Nvidia(), spec=msgspec.structs.replace(SPEC, backend="conda"))
    assert "--backend venv" in str(error.value.hint)
