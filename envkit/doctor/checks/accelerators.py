"""Checks of the GPUs that are not NVIDIA's cards: AMD's, Intel's, Apple's, and those of Jetson boards."""

from __future__ import annotations

from typing import TYPE_CHECKING

from envkit.api import MachineError
from envkit.api.checks import Check, Finding
from envkit.doctor.gpu_state import name_files
from envkit.doctor.remedies import install_packages, join_group
from envkit.doctor.torch_choice import PARTS, choose_build
from envkit.torchbuild import load_table
from envkit.torchbuild.accelerators import accelerated_gpus, name_accelerators
from envkit.torchbuild.variants import family_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from envkit.api.checks import CheckContext
    from envkit.api.facts import DeviceFile, MachineFacts
    from envkit.doctor.surroundings import Surroundings
    from envkit.torchbuild import TorchBuild

_JETSON_GUIDE = "https://docs.nvidia.com/deeplearning/frameworks/install-pytorch-jetson-platform/"
_INTEL_GUIDE = "https://docs.pytorch.org/docs/stable/notes/get_start_xpu.html"


def checks(surroundings: Surroundings) -> tuple[Check, ...]:
    """Return the checks of other GPUs."""
    return (
        Check(
            id="accelerator.amd",
            summary="torch can compute on AMD's GPUs, where there are any",
            needs=PARTS,
            run=lambda context: _check_amd(context.facts, surroundings),
        ),
        Check(
            id="accelerator.intel",
            summary="torch can compute on Intel's GPUs, where there are any",
            needs=PARTS,
            run=lambda context: _check_intel(context.facts, surroundings),
        ),
        Check(
            id="accelerator.apple",
            summary="torch can compute on the GPU of Apple silicon",
            needs=("platform", "apple"),
            run=_check_apple,
        ),
        Check(
            id="accelerator.jetson",
            summary="torch can compute on the GPU of a Jetson",
            needs=PARTS,
            run=lambda context: _check_jetson(context.facts, surroundings),
        ),
    )


def _check_amd(facts: MachineFacts, surroundings: Surroundings) -> Iterator[Finding]:
    gpus = accelerated_gpus(facts, "ROCm", table=load_table())
    if not gpus:
        return
    names, build = name_accelerators(gpus), _choose(facts, surroundings)
    files = facts.amd.devices
    if build is None or family_of(build.variant) != "ROCm":
        yield _left_idle(f"No torch build has kernels for {names}", build)
    elif not any(file.path == "/dev/kfd" for file in files):
        yield _not_there(
            facts, names, "/dev/kfd", "docker run --device /dev/kfd --device /dev/dri --group-add video …"
        )
    elif closed := tuple(file for file in files if not file.is_usable):
        yield _closed(names, closed)
    else:
        yield Finding(severity="ok", summary=f"torch {build.version} ({build.variant}) computes on {names}")


def _check_intel(facts: MachineFacts, surroundings: Surroundings) -> Iterator[Finding]:
    gpus = accelerated_gpus(facts, "XPU", table=load_table())
    if not gpus:
        return
    names, build = name_accelerators(gpus), _choose(facts, surroundings)
    files = facts.intel.devices
    if build is None or family_of(build.variant) != "XPU":
        yield _left_idle(f"No torch build has kernels for {names}", build)
    elif not files:
        yield _not_there(
            facts, names, "/dev/dri/renderD128", "docker run --device /dev/dri --group-add render …"
        )
    elif closed := tuple(file for file in files if not file.is_usable):
        yield _closed(names, closed)
    elif not facts.intel.has_level_zero:
        yield Finding(
            severity="error",
            summary="Intel's Level Zero, which torch needs for the GPU, is not installed",
            evidence=(names, "libze_loader.so.1 is in no folder of libraries"),
            fix=install_packages(
                facts.platform,
                apt="libze1 libze-intel-gpu1 intel-opencl-icd",
                dnf="oneapi-level-zero intel-level-zero intel-compute-runtime",
                pacman="level-zero-loader intel-compute-runtime",
                otherwise=f"Install Intel's GPU driver with Level Zero: {_INTEL_GUIDE}",
            ),
        )
    else:
        yield Finding(severity="ok", summary=f"torch {build.version} ({build.variant}) computes on {names}")


def _choose(facts: MachineFacts, surroundings: Surroundings) -> TorchBuild | None:
    build = choose_build(facts, surroundings)
    return None if isinstance(build, MachineError) else build


def _left_idle(summary: str, build: TorchBuild | None) -> Finding:
    """Return that a GPU stays unused: worth knowing, and often only the screen's own GPU."""
    reasons = [] if build is None else [build.reason]
    reasons += [f"{each.version} ({each.variant}): {each.why}" for each in (build.rejected if build else ())]
    return Finding(severity="info", summary=summary, evidence=tuple(reasons))


def _not_there(facts: MachineFacts, names: str, file: str, start: str) -> Finding:
    evidence = (names, f"{file} is not there")
    if facts.platform.is_container:
        return Finding(
            severity="warn",
            summary=f"The host has {names}, and this container cannot use it",
            evidence=evidence,
            fix=start,
        )
    return Finding(
        severity="error",
        summary=f"The driver does not offer {names} for computing",
        evidence=evidence,
        fix="sudo dmesg | grep -iE 'amdgpu|kfd|xe |i915'   # what the driver says",
    )


def _closed(names: str, files: tuple[DeviceFile, ...]) -> Finding:
    groups = dict.fromkeys(file.group for file in files if file.group not in (None, "root"))
    return Finding(
        severity="error",
        summary=f"This user may not open {names}",
        evidence=name_files(files),
        fix=join_group(",".join(group for group in groups if group) or "render"),
    )


def _check_apple(context: CheckContext) -> Iterator[Finding]:
    facts = context.facts
    if facts.apple.has_mps:
        yield Finding(severity="ok", summary="torch computes on Apple's GPU, through MPS")
    elif facts.platform.system == "darwin" and facts.platform.machine == "arm64":
        yield Finding(
            severity="warn",
            summary="This macOS is too old for torch to compute on Apple's GPU: that takes 12.3",
            evidence=(f"macOS {facts.platform.os_version or 'of unknown version'}",),
            fix="softwareupdate --install --all --restart   # restarts the Mac: save what is open first",
        )


def _check_jetson(facts: MachineFacts, surroundings: Surroundings) -> Iterator[Finding]:
    if not facts.platform.is_jetson:
        return
    build = _choose(facts, surroundings)
    if build is not None and (build.source == "find-links" or build.variant != "cpu"):
        yield Finding(severity="ok", summary=f"torch {build.version} ({build.variant}) fits this Jetson")
        return
    yield Finding(
        severity="error",
        summary="torch's usual wheels have no kernels for this Jetson; NVIDIA's own do",
        evidence=(build.reason,) if build is not None else (),
        fix=f"export PIP_FIND_LINKS=FOLDER   # with NVIDIA's wheel for your JetPack in it: {_JETSON_GUIDE}",
    )
