"""Decide what an environment is made of on each kind of machine, keeping what is locked where it still fits."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import msgspec

from envkit import models
from envkit.api import Base, EnvkitError
from envkit.environments.brought_torch import plan_with_torch
from envkit.environments.lockfile.entries import (
    base_packages,
    locked_base,
    locked_torch,
    locked_wheels,
    torch_build,
)
from envkit.environments.lockfile.facts import locked_facts, machine_facts, machine_name
from envkit.environments.lockfile.fit import nearest_section
from envkit.environments.lockfile.host import locked_host
from envkit.environments.lockfile.records import Lock, LockedFacts, LockedMachine
from envkit.environments.order import needs_of
from envkit.environments.records import EnvRecord, EnvSpec, Proof
from envkit.environments.requirements import minor_version
from envkit.environments.resolve import resolve_wheels

if TYPE_CHECKING:
    from collections.abc import Sequence

    from envkit.environments.plan import Plan, Planning
    from envkit.environments.progress import Progress
    from envkit.machine import MachineFacts


@dataclass(frozen=True, kw_only=True)
class _Target:
    """A kind of machine to lock for: ``found`` is one such in full, if it is at hand, ``old`` its section."""

    facts: LockedFacts
    found: MachineFacts | None
    old: LockedMachine | None


def make_lock(
    spec: EnvSpec,
    *,
    planning: Planning,
    progress: Progress,
    machines: Sequence[MachineFacts] = (),
    previous: Lock | None = None,
    record: EnvRecord | None = None,
    is_upgrade: bool = False,
) -> Lock:
    """Return the lock of a spec for the machine of ``planning``, for ``machines``, and for those locked before.

    A machine that fits a section of ``previous`` is served by that; versions in it stay where they still fit,
    unless ``is_upgrade``. On this machine those of ``record``, an environment, go before them. Raises: what
    planning and resolving raise; EnvError where an index gives no hash.
    """
    old = previous.machines if previous is not None else ()
    at_hand = (planning.facts, *machines)
    served = {nearest_section(old, spec, facts): facts for facts in reversed(at_hand)}
    sections: list[LockedMachine] = []

    def lock(target: _Target) -> None:
        is_here = target.found is planning.facts
        kept = record if is_here else None
        title = _title(target)
        progress.say(f"Locking for {title}")
        try:
            section = _lock_one(
                spec, target, planning=planning, progress=progress, record=kept, is_upgrade=is_upgrade
            )
        except EnvkitError as error:
            if not is_here:  # else one looks for the fault on this machine
                error.message = f"for {title}: {error.message}"
                error.args = (error.message,)
            raise
        sections.append(section)

    for number, section in enumerate(old):
        lock(_Target(facts=section.facts, found=served.get(number), old=section))
    for facts in at_hand:
        # Also one that fitted what is locked no longer: then its place was another machine's.
        if nearest_section(sections, spec, facts) is None:
            lock(_Target(facts=locked_facts(facts), found=facts, old=None))
    return Lock(spec=spec, machines=tuple(sections))


def _title(target: _Target) -> str:
    python = target.old.python if target.old is not None else ""
    if not python and target.found is not None:
        python = target.found.python.version
    return machine_name(target.facts, python=python)


def _lock_one(
    spec: EnvSpec,
    target: _Target,
    *,
    planning: Planning,
    progress: Progress,
    record: EnvRecord | None,
    is_upgrade: bool,
) -> LockedMachine:
    old = target.old
    surroundings = _surroundings(target, planning)
    kept = record
    if kept is None and old is not None and not is_upgrade:
        kept = _as_record(old, spec, facts=surroundings.facts)
    plan = plan_with_torch("lock", spec, planning=surroundings, progress=progress, prefer=kept)
    plan = replace(
        plan,
        # The interpreter of a venv is another on each machine: only its version counts.
        base=msgspec.structs.replace(plan.base, interpreter="", python=_python(plan, old)),
        unresolved=_alone(plan, surroundings),
    )
    versions = {} if kept is None else dict(kept.installed)
    wheels = resolve_wheels(plan, planning=surroundings, prefer=versions, progress=progress)
    return LockedMachine(
        name=machine_name(target.facts, python=plan.base.python),
        python=plan.base.python,
        # Wheels are built for every processor of a kind.
        facts=target.facts if plan.base.packages else msgspec.structs.replace(target.facts, cpu_features=()),
        torch=locked_torch(plan.torch, old.torch if old is not None else None),
        asked=plan.requirements,
        without_dependencies=plan.unresolved,
        host=tuple(map(locked_host, plan.distributions)),
        base=locked_base(plan.base.packages),
        wheels=locked_wheels(wheels, before=old.wheels if old is not None else ()),
    )


def _surroundings(target: _Target, planning: Planning) -> Planning:
    """Return what a plan for this kind of machine is made in: the facts in the lock, and nothing else."""
    found = target.found
    if found is None:
        assert target.old is not None
        facts = machine_facts(target.facts, python=target.old.python)
        return replace(planning, facts=facts, here=None)
    python = found.python.version
    facts = machine_facts(target.facts, python=python)
    is_here = found is planning.facts
    # Other Pythons on PATH are asked for their versions where they are, which can be done only on this machine.
    running = found if is_here else msgspec.structs.replace(found, interpreters=())
    return replace(planning, facts=facts, here=running)


def _as_record(old: LockedMachine, spec: EnvSpec, *, facts: MachineFacts) -> EnvRecord:
    """Return the section as the record of an environment made from it, whose parts a plan keeps."""
    return EnvRecord(
        name="lock",
        generation=0,
        backend=spec.backend,
        created="",
        python=old.python,
        spec=spec,
        base=Base(backend=spec.backend, python=old.python, packages=base_packages(old)),
        asked=old.asked,
        installed={wheel.name: wheel.version for wheel in old.wheels},
        without_dependencies=old.without_dependencies,
        plugins=(),
        envkit=None,
        torch=None if old.torch is None else torch_build(old.torch, python=old.python),
        facts=facts,
        size=0,
        proof=Proof(python=old.python, torch=None, devices=(), tasks=(), left_out=(), seconds=0.0),
    )


def _python(plan: Plan, old: LockedMachine | None) -> str:
    """Return the locked Python where the planned one is of the same minor version and not of conda."""
    is_same = old is not None and minor_version(old.python) == minor_version(plan.base.python)
    return old.python if old is not None and is_same and not plan.base.packages else plan.base.python


def _alone(plan: Plan, planning: Planning) -> tuple[str, ...]:
    """Return what is installed without its dependencies: the default model too, whatever this machine holds."""
    if plan.unresolved or not plan.spec.tasks or plan.spec.purpose == "predict":
        return plan.unresolved
    extras = frozenset(plan.spec.host_extras)
    for name in plan.spec.tasks:
        entry = planning.find_task(name)
        needs = needs_of(entry, python=plan.base.python, planning=planning, host_extras=extras)
        if needs.torch is not None:
            return (models.DEFAULT_MODEL_PACKAGE,)
    return ()
