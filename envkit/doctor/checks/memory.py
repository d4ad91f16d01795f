"""Checks of main memory, shared memory and the limits of this process."""

from __future__ import annotations

from typing import TYPE_CHECKING

from envkit.api.checks import Check, Finding
from envkit.environments.records import format_size
from envkit.torchbuild.fit import usable_gpus

if TYPE_CHECKING:
    from collections.abc import Iterator

    from envkit.api.checks import CheckContext
    from envkit.doctor.surroundings import Surroundings

# Fine-tuning the default model takes about 1.5 GB with all that torch loads; a system takes some of its own.
_LITTLE = 3_000_000_000
# Docker gives a container 64 MiB of shared memory; NCCL and data loaders with workers take hundreds.
_LITTLE_SHARED = 1_000_000_000
_FEW_FILES = 1024


def checks(surroundings: Surroundings) -> tuple[Check, ...]:
    """Return the checks of memory and limits."""
    return (
        Check(
            id="memory.total",
            summary="There is memory enough to fine-tune a small model",
            needs=("memory",),
            run=_check_total,
        ),
        Check(
            id="memory.group-limit",
            summary="A control group leaves memory enough",
            needs=("platform", "memory"),
            run=_check_group_limit,
        ),
        Check(
            id="memory.shared",
            summary="/dev/shm is large enough for several processes to hand each other batches",
            needs=("platform", "memory", "nvidia"),
            run=_check_shared,
        ),
        Check(
            id="memory.open-files",
            summary="This process may open files enough",
            needs=("platform", "limits"),
            run=_check_open_files,
        ),
    )


def _check_total(context: CheckContext) -> Iterator[Finding]:
    memory = context.facts.memory
    if memory.total is None:
        return
    evidence = [f"{format_size(memory.total)} in all"]
    if memory.available is not None:
        evidence.append(f"{format_size(memory.available)} of it free")
    if memory.total < _LITTLE:
        yield Finding(
            severity="warn",
            summary="There is little memory: a run may be killed for it",
            evidence=tuple(evidence),
            fix="Use a smaller --tokens-per-step and a small model, or add swap or memory.",
        )
    else:
        yield Finding(severity="ok", summary=f"Memory: {', '.join(evidence)}")


def _check_group_limit(context: CheckContext) -> Iterator[Finding]:
    facts, memory = context.facts, context.facts.memory
    if memory.limit is None or (memory.total is not None and memory.limit >= memory.total):
        return
    of_all = f" of {format_size(memory.total)}" if memory.total is not None else ""
    evidence = (f"limit {format_size(memory.limit)}{of_all}",)
    if memory.limit >= _LITTLE:
        place = "This container" if facts.platform.is_container else "This session or job"
        yield Finding(
            severity="info",
            summary=f"{place} may use {format_size(memory.limit)}{of_all} memory; beyond that it is killed",
            evidence=evidence,
        )
        return
    yield Finding(
        severity="warn",
        summary="A control group allows little memory: a run may be killed",
        evidence=evidence,
        fix="docker run --memory 8g …   # or the same in your scheduler: srun --mem 8G, resources.limits.memory"
        if facts.platform.is_container
        else "srun --mem 8G …   # what gave this session its limit: a scheduler, systemd's MemoryMax",
    )


def _check_shared(context: CheckContext) -> Iterator[Finding]:
    facts = context.facts
    total = facts.memory.shared_total
    if facts.platform.system != "linux" or total is None or total >= _LITTLE_SHARED:
        return
    fix = "sudo mount -o remount,size=4G /dev/shm"
    if facts.platform.is_container:
        fix = "docker run --shm-size 4g …   # Kubernetes: an emptyDir with medium: Memory at /dev/shm"
    several = bool(usable_gpus(facts))
    yield Finding(
        severity="warn" if several else "info",
        summary="/dev/shm is small for data loaders with workers and for several GPUs",
        evidence=(f"/dev/shm has {format_size(total)}",),
        fix=fix,
    )


def _check_open_files(context: CheckContext) -> Iterator[Finding]:
    facts, limits = context.facts, context.facts.limits
    # macOS starts every session with 256, which all its programs live with or raise.
    few = 256 if facts.platform.system == "darwin" else _FEW_FILES
    if limits.open_files is None or limits.open_files >= few:
        return
    most = limits.open_files_hard
    can_rise = most is None or most > limits.open_files
    raised = "no more" if not can_rise else "any" if most is None else f"{most}"
    evidence = (f"limit {limits.open_files}, and {raised} may be asked for",)
    if can_rise:
        fix = f"ulimit -n {4096 if most is None else min(4096, most)}"
    elif facts.platform.is_container:
        fix = "docker run --ulimit nofile=65536 …"
    else:
        fix = 'Raise nofile in /etc/security/limits.conf ("* - nofile 65536"), then log in again.'
    yield Finding(
        severity="warn",
        summary="This process may open few files at once: installing and data loaders can fail",
        evidence=evidence,
        fix=fix,
    )
