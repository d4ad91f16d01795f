"""Checks of NVIDIA's GPUs: whether they can be used, and by this process."""

from __future__ import annotations

from typing import TYPE_CHECKING

from envkit.api.checks import Check, Finding
from envkit.doctor.checks import gpu_driver
from envkit.doctor.gpu_state import (
    closed_files,
    count_gpus,
    find_cause,
    gpu_files,
    is_open_to_all,
    name_files,
    said,
)
from envkit.doctor.remedies import START_WITH_GPUS, join_group
from envkit.torchbuild.fit import usable_gpus

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from envkit.api.checks import CheckContext, Severity
    from envkit.api.facts import Gpu
    from envkit.doctor.surroundings import Surroundings


def checks(surroundings: Surroundings) -> tuple[Check, ...]:
    """Return the checks of NVIDIA's driver and GPUs."""
    return (
        *gpu_driver.checks(surroundings),
        Check(
            id="gpu.permission",
            summary="This user may use the GPUs",
            needs=("platform", "nvidia"),
            run=_check_permission,
        ),
        Check(
            id="gpu.missing-in-container",
            summary="This container has its host's GPUs",
            needs=("platform", "nvidia", "variables"),
            run=_check_container,
        ),
        Check(
            id="gpu.fewer-than-bus",
            summary="The driver answers for every GPU",
            needs=("platform", "nvidia"),
            run=_check_silent,
        ),
        Check(
            id="gpu.hidden",
            summary="No variable hides a GPU",
            needs=("nvidia", "variables"),
            run=_check_hidden,
        ),
        Check(
            id="gpu.mig",
            summary="No GPU is cut into instances (MIG)",
            needs=("nvidia", "variables"),
            run=_check_mig,
        ),
        Check(
            id="gpu.exclusive",
            summary="Every GPU takes several processes",
            needs=("nvidia",),
            run=_check_exclusive,
        ),
    )


def _check_permission(context: CheckContext) -> Iterator[Finding]:
    facts = context.facts
    closed = closed_files(facts)
    if not closed or find_cause(facts) not in (None, "permission", "silent"):
        return
    if usable_gpus(facts):
        yield Finding(
            severity="info",
            summary="Some GPUs are closed to this user",
            evidence=name_files(closed),
        )
    elif all(is_open_to_all(each) for each in closed):
        yield Finding(
            severity="error",
            summary="The GPUs are closed to this process by a container or a job scheduler",
            evidence=name_files(closed),
            fix=START_WITH_GPUS
            if facts.platform.is_container
            else "srun --gpus 1 …   # or as your scheduler says it",
        )
    else:
        group = next((each.group for each in closed if not is_open_to_all(each)), None)
        yield Finding(
            severity="error",
            summary="This user may not open the GPUs",
            evidence=name_files(closed),
            fix=join_group(group)
            if group not in (None, "root")
            else "Ask who runs this machine: NVIDIA's module sets who may with NVreg_DeviceFileMode.",
        )


def _check_container(context: CheckContext) -> Iterator[Finding]:
    facts = context.facts
    files = {each.path for each in facts.nvidia.devices}
    is_native = facts.platform.is_container and not (facts.platform.is_wsl or facts.platform.is_jetson)
    if is_native and usable_gpus(facts) and files and "/dev/nvidia-uvm" not in files:
        yield Finding(
            severity="error",
            summary="This container has a GPU, but not the file that CUDA needs besides",
            evidence=("there is no /dev/nvidia-uvm", *sorted(files)),
            fix="sudo nvidia-modprobe -c 0 -u   # on the host; then start the container again",
        )
    if find_cause(facts) != "not in container":
        return
    asked = facts.variable("NVIDIA_VISIBLE_DEVICES")
    evidence = [
        f"the host has NVIDIA driver {facts.nvidia.driver_version} and {_count(count_gpus(facts))}",
        "no /dev/nvidia0 in this container",
    ]
    if asked:
        evidence.append(f"NVIDIA_VISIBLE_DEVICES is {asked}")
    severity: Severity = "warn"
    summary = "The host has GPUs, and this container cannot use them"
    if asked in ("none", "void"):
        severity, summary = "info", "The host has GPUs, and this container was started without them"
    elif asked:
        severity, summary = "error", "This container asks for its host's GPUs and has none"
    yield Finding(severity=severity, summary=summary, evidence=tuple(evidence), fix=START_WITH_GPUS)


def _check_silent(context: CheckContext) -> Iterator[Finding]:
    facts = context.facts
    there, usable = count_gpus(facts), len(usable_gpus(facts))
    evidence: tuple[str, ...] = (
        f"driver {facts.nvidia.driver_version}",
        f"{there} on the bus: {', '.join(facts.nvidia.pci_devices)}"
        if facts.nvidia.pci_devices
        else f"{there} seen",
        f"{usable} answered",
        *said(facts),
    )
    look = "sudo dmesg | grep -E 'NVRM|Xid'   # what the driver says; a restart often helps"
    if not gpu_files(facts):
        evidence += ("there is no /dev/nvidia0",)
        look = "sudo nvidia-modprobe -c 0 -u   # makes the missing files; a restart does too"
    if find_cause(facts) == "silent":
        yield Finding(
            severity="error",
            summary="NVIDIA's driver is loaded, but no GPU answers it",
            evidence=evidence,
            fix=look,
        )
    elif there > usable > 0:
        # A container or a job is often given some of the GPUs, while the bus shows all.
        is_share = facts.platform.is_container or bool(closed_files(facts))
        yield Finding(
            severity="info" if is_share else "warn",
            summary=f"The driver answers for {usable} of {_count(there)}",
            evidence=evidence,
            fix=None if is_share else look,
        )


def _check_hidden(context: CheckContext) -> Iterator[Finding]:
    facts = context.facts
    value = facts.variable("CUDA_VISIBLE_DEVICES")
    gpus = usable_gpus(facts)
    if value is None or not gpus or "MIG-" in value:
        return
    shown, unknown = _shown_gpus(value, gpus)
    evidence = (
        f"CUDA_VISIBLE_DEVICES is {value!r}",
        *(f"GPU {gpu.index} is {gpu.name}{'' if gpu in shown else ', hidden'}" for gpu in gpus),
    )
    if unknown is not None and not value.strip().startswith("-"):
        yield Finding(
            severity="warn",
            summary=f"CUDA_VISIBLE_DEVICES names {unknown!r}, which is no GPU here",
            evidence=evidence,
            fix="unset CUDA_VISIBLE_DEVICES",
        )
    elif not shown:
        yield Finding(
            severity="warn",
            summary="CUDA_VISIBLE_DEVICES hides every GPU: all computes on the processor",
            evidence=evidence,
            fix="unset CUDA_VISIBLE_DEVICES",
        )
    elif len(shown) < len(gpus):
        yield Finding(
            severity="info",
            summary=f"CUDA_VISIBLE_DEVICES shows {len(shown)} of {_count(len(gpus))}",
            evidence=evidence,
        )


def _shown_gpus(value: str, gpus: Sequence[Gpu]) -> tuple[list[Gpu], str | None]:
    """Return the GPUs that the variable leaves, and its first word that names none: there CUDA stops reading.

    Source: CUDA C++ Programming Guide, CUDA environment variables.
    """
    shown: list[Gpu] = []
    for word in (each.strip() for each in value.split(",")) if value.strip() else ():
        named = [gpu for gpu in gpus if _is_named(gpu, word)]
        if len(named) != 1:
            return shown, word
        shown += named
    return shown, None


def _is_named(gpu: Gpu, word: str) -> bool:
    if word.isdecimal():
        return gpu.index == int(word)
    return word.startswith("GPU-") and (gpu.uuid or "").startswith(word)


def _check_mig(context: CheckContext) -> Iterator[Finding]:
    facts = context.facts
    cut = [gpu for gpu in facts.nvidia.gpus if gpu.mig]
    if not cut:
        return
    value = facts.variable("CUDA_VISIBLE_DEVICES") or ""
    evidence = [f"GPU {gpu.index} is {gpu.name}, MIG is on" for gpu in cut]
    if "MIG-" in value:
        yield Finding(
            severity="info",
            summary="torch computes on the one MIG instance that CUDA_VISIBLE_DEVICES names",
            evidence=(*evidence, f"CUDA_VISIBLE_DEVICES is {value!r}"),
        )
        return
    yield Finding(
        severity="warn",
        summary="A GPU is cut into MIG instances, and torch uses one of them alone",
        evidence=tuple(evidence),
        fix="nvidia-smi -L   # names the instances; then: export CUDA_VISIBLE_DEVICES=MIG-…",
    )


def _check_exclusive(context: CheckContext) -> Iterator[Finding]:
    for mode, severity, summary in _MODES:
        held = [gpu for gpu in context.facts.nvidia.gpus if gpu.compute_mode == mode]
        if held:
            numbers = ",".join(str(gpu.index) for gpu in held)
            yield Finding(
                severity=severity,
                summary=summary,
                evidence=tuple(f"GPU {gpu.index} is {gpu.name}, compute mode {mode}" for gpu in held),
                fix=f"sudo nvidia-smi -i {numbers} -c DEFAULT",
            )


_MODES: tuple[tuple[str, Severity, str], ...] = (
    ("prohibited", "error", "A GPU is set to take no computation at all"),
    ("exclusive", "warn", "A GPU takes one process at a time: a second one fails while the first runs"),
)


def _count(gpus: int) -> str:
    return "1 GPU" if gpus == 1 else f"{gpus} GPUs"
