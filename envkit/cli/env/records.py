"""What ``env create``, ``sync`` and ``show`` print under ``--json``, and print from."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import msgspec

from envkit.api import Base, BasePackage
from envkit.cli.env.changes import Change
from envkit.environments.disk_space import estimate_size
from envkit.environments.records import EnvRecord, EnvSpec, HostPackage, WheelPackage
from envkit.environments.store import envs_dir
from envkit.environments.this_machine import describe_machine
from envkit.torchbuild import TorchBuild
from envkit.torchbuild.fit import cuda_of, usable_gpus
from envkit.torchbuild.records import masked

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from envkit.environments.plan import Plan
    from envkit.environments.records import Environment

# Unpacked files beside their wheels: 3.1 times for torch 2.13.0+cpu, 3.4 for transformers 5.23 with all it needs.
_UNPACKED = 3.2


class PlanLine(msgspec.Struct, frozen=True, kw_only=True):
    """A plan, resolved: ``download`` and ``disk`` in bytes, the first without the ``unsized`` packages."""

    name: str
    backend: str
    machine: str
    python: str
    spec: EnvSpec
    base: Base
    torch: TorchBuild | None
    wheels: tuple[WheelPackage, ...]
    plugins: tuple[HostPackage, ...]
    reasons: tuple[str, ...]
    proof: tuple[str, ...]
    download: int
    unsized: int
    disk: int


class EnvironmentLine(msgspec.Struct, frozen=True, kw_only=True):
    """An environment: ``folder`` is the name under which it is found, ``prefix`` where it really lies."""

    name: str
    folder: str
    prefix: str
    python: str
    record: EnvRecord


class Created(msgspec.Struct, frozen=True, kw_only=True):
    """What ``env create`` did: ``created`` is False where it was there already, or under ``dry_run``."""

    dry_run: bool
    created: bool
    notes: tuple[str, ...]
    plan: PlanLine | None
    environment: EnvironmentLine | None


class Synced(msgspec.Struct, frozen=True, kw_only=True):
    """What ``env sync`` did; ``why`` says what is not as it should be beside ``changes``, None where all is."""

    dry_run: bool
    changed: bool
    notes: tuple[str, ...]
    why: str | None
    changes: tuple[Change, ...]
    plan: PlanLine
    environment: EnvironmentLine | None


class RunUse(msgspec.Struct, frozen=True, kw_only=True):
    """A run of this folder that was in the environment."""

    id: str
    task: str
    status: str


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """What ``env show`` tells: ``stale`` is what keeps it from serving here and now, None where it serves.

    ``folder`` is the name under which it is found, ``prefix`` where it really lies; ``last_used`` is in
    seconds since the epoch; ``command`` makes one like it; ``runs`` are the newest last.
    """

    name: str
    folder: str
    prefix: str
    python: str
    last_used: float
    is_in_use: bool
    stale: str | None
    command: str
    runs: tuple[RunUse, ...]
    record: EnvRecord


def plan_line(
    plan: Plan, wheels: tuple[WheelPackage, ...], *, changes: Sequence[Change] | None = None
) -> PlanLine:
    """Return what is said of a plan whose packages are resolved; with ``changes`` they alone are downloaded."""
    new = None if changes is None else {(each.of, each.name) for each in changes}
    sized: list[tuple[str, BasePackage | WheelPackage]] = [("base", each) for each in plan.base.packages]
    sized += [("packages", each) for each in wheels]
    fetched = [each for of, each in sized if not _is_here(each) and (new is None or (of, each.name) in new)]
    packed = sum(package.size or 0 for _, package in sized)
    least = estimate_size(plan.torch) if plan.torch is not None else 0
    return PlanLine(
        name=plan.name,
        backend=plan.base.backend,
        machine=describe_machine(plan.facts),
        python=plan.base.python,
        spec=plan.spec,
        base=plan.base,
        torch=masked(plan.torch) if plan.torch is not None else None,
        wheels=wheels,
        plugins=plan.plugins,
        reasons=plan.reasons,
        proof=tuple(proofs_of(plan)),
        download=sum(package.size or 0 for package in fetched),
        unsized=sum(package.size is None for package in fetched),
        disk=max(round(_UNPACKED * packed), least),
    )


def _is_here(package: BasePackage | WheelPackage) -> bool:
    """Tell whether a package lies on this machine, as far as its address tells."""
    is_of_folder = isinstance(package, WheelPackage) and package.source == "find-links" and not package.url
    return is_of_folder or package.url.startswith("file:") or getattr(package, "source", "") == "host"


def proofs_of(plan: Plan) -> list[str]:
    """Return what will be tried in the new environment."""
    proofs = ["Python starts"]
    if plan.torch is not None:
        is_cuda = cuda_of(plan.torch.variant) is not None
        devices = ["cpu", *(f"cuda:{gpu.index}" for gpu in usable_gpus(plan.facts) if is_cuda)]
        devices += ["mps"] if plan.torch.variant == "mps" else []
        proofs.append(f"torch takes a step on {', '.join(devices)}")
    proofs += [f"{task} imports" for task in plan.spec.tasks]
    return proofs


def environment_line(environment: Environment, *, home: Path) -> EnvironmentLine:
    """Return what is said of an environment."""
    link = envs_dir(home) / environment.name
    return EnvironmentLine(
        name=environment.name,
        folder=str(link),
        prefix=str(environment.prefix),
        python=str(link / "bin" / "python"),
        record=cast("EnvRecord", environment.record),
    )
