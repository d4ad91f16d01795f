"""The torch build that fits a machine, chosen once for all checks that ask for it. Pure."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

import msgspec
from packaging.version import InvalidVersion, Version

from envkit.api import MachineError
from envkit.api.facts import Cpu, MachineFacts, Memory
from envkit.torchbuild import choose_torch_build, load_table
from envkit.torchbuild.variants import cuda_of

if TYPE_CHECKING:
    from packaging.specifiers import SpecifierSet

    from envkit.api.facts import Gpu
    from envkit.doctor.surroundings import Surroundings
    from envkit.torchbuild import LocalWheel, TorchBuild

# What a choice rests on, and so what a check that asks for one has to need.
PARTS = ("python", "platform", "nvidia", "amd", "intel", "apple")


def choose_build(
    facts: MachineFacts, surroundings: Surroundings, *, python: str | None = None
) -> TorchBuild | MachineError:
    """Return the build for this machine and ``python`` (by default the one of the facts), or why none fits."""
    return _choose(
        _deciding(facts),
        surroundings.torch_range,
        python or facts.python.version,
        surroundings.wheels,
        surroundings.torch_index,
    )


def with_driver(facts: MachineFacts, version: str) -> MachineFacts:
    """Return the same machine with another version of NVIDIA's driver."""
    return msgspec.structs.replace(
        facts, nvidia=msgspec.structs.replace(facts.nvidia, driver_version=version)
    )


def list_openings(facts: MachineFacts, surroundings: Surroundings) -> tuple[tuple[str, TorchBuild], ...]:
    """Return the versions from which on a newer driver of NVIDIA's allows a newer torch, each with that torch."""
    is_windows = facts.platform.is_wsl
    oldest = {row.windows if is_windows else row.linux for row in load_table().drivers}
    here = choose_cuda(facts, surroundings)
    openings = []
    for version in sorted(oldest, key=Version):
        if Version(version) <= _version(facts.nvidia.driver_version):
            continue
        build = choose_cuda(with_driver(facts, version), surroundings)
        if build is not None and (here is None or Version(build.version) > Version(here.version)):
            openings.append((version, build))
            here = build
    return tuple(openings)


def choose_cuda(facts: MachineFacts, surroundings: Surroundings) -> TorchBuild | None:
    """Return the build for this machine, None where that does not compute on NVIDIA's GPUs."""
    build = choose_build(facts, surroundings)
    return build if not isinstance(build, MachineError) and cuda_of(build.variant) else None


def _version(text: str | None) -> Version:
    try:
        return Version(text or "0")
    except InvalidVersion:
        return Version("0")


def with_only_gpu(facts: MachineFacts, gpu: Gpu) -> MachineFacts:
    """Return the same machine with one of its NVIDIA GPUs alone."""
    return msgspec.structs.replace(facts, nvidia=msgspec.structs.replace(facts.nvidia, gpus=(gpu,)))


def _deciding(facts: MachineFacts) -> MachineFacts:
    """Return the facts that a choice rests on alone: checks are given others besides, each its own."""
    return MachineFacts(
        taken_at="",
        python=facts.python,
        platform=facts.platform,
        cpu=Cpu(),
        memory=Memory(),
        nvidia=facts.nvidia,
        amd=facts.amd,
        intel=facts.intel,
        apple=facts.apple,
        unread=tuple(each for each in facts.unread if each.part in ("", *PARTS)),
        parts=PARTS if facts.parts else (),
    )


@functools.lru_cache(maxsize=64)
def _choose(
    facts: MachineFacts,
    specifier: SpecifierSet,
    python: str,
    wheels: tuple[LocalWheel, ...] | None,
    torch_index: str,
) -> TorchBuild | MachineError:
    try:
        return choose_torch_build(
            facts, specifier=specifier, python=python, wheels=wheels, torch_index=torch_index
        )
    except MachineError as error:
        return error
    except ValueError as error:  # facts that were edited, or a driver that answers nonsense
        return MachineError(f"no torch build can be chosen, since these facts make no sense: {error}")
