"""Checks of torch: the build that fits this machine, and those that are installed. Nothing imports torch."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from packaging.version import InvalidVersion, Version

from envkit.api import MachineError
from envkit.api.checks import Check, Finding
from envkit.doctor.checks import torch_installed
from envkit.doctor.torch_choice import PARTS, choose_build, choose_cuda, list_openings, with_only_gpu
from envkit.environments.records import format_size
from envkit.torchbuild import load_table
from envkit.torchbuild.fit import name_gpus, usable_gpus
from envkit.torchbuild.records import short_name

if TYPE_CHECKING:
    from collections.abc import Iterator

    from envkit.api.facts import MachineFacts
    from envkit.doctor.surroundings import Surroundings
    from envkit.torchbuild import TorchBuild

# Where the reasons of each family of builds begin in the words of an error.
_FAMILIES = re.compile(r"(?:\. |; )(?=(?:CUDA|ROCm|XPU|MPS|CPU): )")


def checks(surroundings: Surroundings) -> tuple[Check, ...]:
    """Return the checks of torch."""
    return (
        Check(
            id="torch.build",
            summary="A torch build fits this machine",
            needs=PARTS,
            run=lambda context: _check_build(context.facts, surroundings),
        ),
        Check(
            id="torch.ending",
            summary="Coming releases of torch go on to support this machine",
            needs=PARTS,
            run=lambda context: _check_ending(context.facts, surroundings),
        ),
        Check(
            id="torch.beyond-table",
            summary="envkit knows this machine's GPUs and driver, and the torch that is installed",
            needs=(*PARTS, "torch_sites"),
            run=lambda context: _check_beyond_table(context.facts, surroundings),
        ),
        *torch_installed.checks(surroundings),
    )


def _check_build(facts: MachineFacts, surroundings: Surroundings) -> Iterator[Finding]:
    build = choose_build(facts, surroundings)
    if isinstance(build, MachineError):
        first, *families = _FAMILIES.split(build.message)
        yield Finding(
            severity="error",
            summary=f"{first[0].upper()}{first[1:]}",
            evidence=tuple(families),
            fix=build.hint,
        )
        return
    gpus = usable_gpus(facts)
    evidence = tuple(_describe(build))
    if not gpus or build.variant != "cpu":
        yield Finding(severity="ok", summary=f"torch {_named(build)} fits this machine", evidence=evidence)
    elif list_openings(facts, surroundings):  # gpu.driver-old says what to do
        yield Finding(
            severity="info",
            summary=f"torch {_named(build)}, until the driver is newer",
            evidence=evidence,
        )
    else:
        yield _judge_gpus(facts, surroundings, evidence)


def _judge_gpus(facts: MachineFacts, surroundings: Surroundings, evidence: tuple[str, ...]) -> Finding:
    """Return why GPUs that work are left idle: no build has kernels for any, or none for all of them."""
    gpus = usable_gpus(facts)
    alone = [choose_cuda(with_only_gpu(facts, gpu), surroundings) for gpu in gpus]
    if not any(alone):
        return Finding(
            severity="warn",
            summary="No torch build has kernels for the GPU: all computes on the processor",
            evidence=(name_gpus(gpus), *evidence),
        )
    each = (
        f"GPU {gpu.index}, {gpu.name}, alone: {f'torch {_named(build)}' if build else 'no build'}"
        for gpu, build in zip(gpus, alone, strict=True)
    )
    first = next(gpu for gpu, build in zip(gpus, alone, strict=True) if build)
    return Finding(
        severity="error",
        summary="No torch build has kernels for all GPUs here: all computes on the processor",
        evidence=(*each, *evidence),
        fix=f"docker run --gpus device={first.index} …   # in a container with one of them, torch can use it",
    )


def _named(build: TorchBuild) -> str:
    return f"{short_name(build.version, build.variant)} for Python {build.python}"


def _describe(build: TorchBuild) -> Iterator[str]:
    yield build.reason
    place = f" ({build.location})" if build.location else ""
    sizes = [f"{format_size(build.download)} to fetch"] if build.download else []
    sizes += [f"{format_size(build.disk)} on disk"] if build.disk else []
    yield "; ".join((f"from the {build.source}{place}", *sizes))
    yield from build.notes
    for rejected in build.rejected:
        unlock = f" (to change that: {rejected.unlock})" if rejected.unlock else ""
        yield f"not {short_name(rejected.version, rejected.variant)}: {rejected.why}{unlock}"


def _check_ending(facts: MachineFacts, surroundings: Surroundings) -> Iterator[Finding]:
    build = choose_build(facts, surroundings)
    if not isinstance(build, MachineError) and build.endings:
        yield Finding(
            severity="info",
            summary="Newer releases of torch leave this machine out",
            evidence=tuple(dict.fromkeys(build.endings)),
        )


def _check_beyond_table(facts: MachineFacts, surroundings: Surroundings) -> Iterator[Finding]:
    build = choose_build(facts, surroundings)
    newest = load_table().newest
    evidence = [
        f"torch {package.version} in {torch_installed.name_site(site)}"
        for site in facts.torch_sites
        for package in site.packages
        if package.name == "torch" and _minor(package.version) > newest.release[:2]
    ]
    if evidence:
        evidence.append(f"the newest that this envkit knows is {newest}")
    if not isinstance(build, MachineError) and build.is_beyond_table:
        evidence += [*(f"{gpu}" for gpu in [name_gpus(usable_gpus(facts))] if gpu)]
        if facts.nvidia.driver_version:
            evidence.append(f"driver {facts.nvidia.driver_version}")
        evidence.append(build.reason)
    if evidence:
        from envkit.owner import upgrade_command  # nearly no machine needs it

        yield Finding(
            severity="info",
            summary="Something here is newer than all that envkit knows; it goes by the newest",
            evidence=tuple(evidence),
            fix=upgrade_command(),
        )


def _minor(version: str) -> tuple[int, ...]:
    try:
        return Version(version).release[:2]
    except InvalidVersion:
        return ()
