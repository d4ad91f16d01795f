"""Checks of what lies around of CUDA besides the driver; torch's wheels bring all they need."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from envkit.api import MachineError
from envkit.api.checks import Check, Finding
from envkit.doctor.torch_choice import PARTS, choose_build
from envkit.torchbuild.fit import cuda_of, usable_gpus

if TYPE_CHECKING:
    from collections.abc import Iterator

    from envkit.api.checks import CheckContext
    from envkit.api.facts import CudaToolkit, MachineFacts
    from envkit.doctor.surroundings import Surroundings

_OWN_NUMBERS = ("libcudnn", "libnccl")


def checks(surroundings: Surroundings) -> tuple[Check, ...]:
    """Return the checks of CUDA's libraries and toolkits."""
    return (
        Check(
            id="cuda.library-path",
            summary="LD_LIBRARY_PATH puts no other CUDA libraries before torch's",
            needs=(*PARTS, "cuda", "variables", "torch_sites"),
            run=lambda context: _check_library_path(context.facts, surroundings),
        ),
        Check(
            id="cuda.toolkits",
            summary="At most one CUDA toolkit is installed; torch's wheels need none",
            needs=("cuda",),
            run=_check_toolkits,
        ),
    )


def _check_library_path(facts: MachineFacts, surroundings: Surroundings) -> Iterator[Finding]:
    majors = _cuda_majors(facts, surroundings)
    foreign = {
        folder.path: names
        for folder in facts.cuda.library_folders
        if (names := tuple(name for name in folder.libraries if _is_taken(name, majors)))
    }
    if not foreign:
        return
    named = [each for each in (facts.variable("LD_LIBRARY_PATH") or "").split(":") if each]
    kept = ":".join(each for each in named if each not in foreign)
    yield Finding(
        severity="warn",
        summary="LD_LIBRARY_PATH makes torch load other CUDA libraries than its own",
        evidence=tuple(f"{path} holds {', '.join(names)}" for path, names in foreign.items()),
        fix=f"export LD_LIBRARY_PATH={shlex.quote(kept)}" if kept else "unset LD_LIBRARY_PATH",
    )


def _cuda_majors(facts: MachineFacts, surroundings: Surroundings) -> set[int]:
    """Return the CUDA majors of the torch that is here or would be; empty where none computes on a GPU."""
    if not usable_gpus(facts):
        return set()
    builds = [package.build or "" for site in facts.torch_sites for package in site.packages]
    chosen = choose_build(facts, surroundings)
    if not isinstance(chosen, MachineError):
        builds.append(chosen.variant)
    return {cuda[0] for build in builds if (cuda := cuda_of(build))}


def _is_taken(library: str, majors: set[int]) -> bool:
    """Tell whether a torch for these majors loads a library of this name, such as ``libcudart.so.12``.

    libcuda is the driver's own: no wheel brings it. cuDNN and NCCL are not numbered by CUDA.
    """
    name, _, number = library.partition(".so.")
    if not majors or name == "libcuda":
        return False
    return name in _OWN_NUMBERS or number.partition(".")[0] in {str(major) for major in majors}


def _check_toolkits(context: CheckContext) -> Iterator[Finding]:
    toolkits = context.facts.cuda.toolkits
    evidence = tuple(_described(each) for each in toolkits)
    if len({each.path for each in toolkits}) == 1:
        yield Finding(severity="ok", summary=f"{evidence[0]}; torch's wheels need none", evidence=evidence)
    elif toolkits:
        yield Finding(
            severity="info",
            summary="There are several CUDA toolkits; torch needs none, compiling takes one",
            evidence=evidence,
            fix=f"export CUDA_HOME={shlex.quote(toolkits[0].path)}   # the one to compile extensions with",
        )


def _described(toolkit: CudaToolkit) -> str:
    found = f", found by {toolkit.found_by}" if toolkit.found_by else ""
    return f"CUDA toolkit {toolkit.version or 'of unknown version'} in {toolkit.path}{found}"
