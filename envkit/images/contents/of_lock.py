"""The section of a lock that an image is built from."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import msgspec

from envkit.api import EnvError, UsageError
from envkit.environments.lockfile.facts import machine_facts
from envkit.environments.lockfile.fit import choose_section, find_misfit
from envkit.environments.lockfile.install import plan_locked
from envkit.environments.lockfile.records import lock_command
from envkit.environments.requirements import minor_version
from envkit.images.contents.bases import default_base
from envkit.images.contents.lock_texts import check_texts

if TYPE_CHECKING:
    from envkit.environments.lockfile.records import LockedMachine, LockFile
    from envkit.environments.plan import Planning
    from envkit.images.records import ImageBase
    from envkit.machine import MachineFacts


@dataclass(frozen=True, kw_only=True)
class ChosenSection:
    """A section of a lock, and the machine that the image is for: with its GPUs, where this one has none."""

    section: LockedMachine
    facts: MachineFacts
    notes: tuple[str, ...] = ()


def section_of(lock: LockFile, *, base: ImageBase, planning: Planning) -> ChosenSection:
    """Return the section for the image's facts, which ``planning`` has.

    Where this machine has no GPU and just one section fits but for its GPUs, it is that one. Raises: UsageError
    for a lock without tasks, ConfigError for texts that may not go into an image, EnvError that says of each
    section why it does not fit, and for envkit and plugins that are others here than those that are locked.
    """
    if not lock.lock.spec.tasks:
        raise UsageError(
            f"{lock.file} has no task, and an image is for tasks",
            hint=f"Lock one as well: {lock_command(lock.file)} --task ner",
        )
    check_texts(lock)
    facts, notes = planning.facts, []
    others = _but_for_gpus(lock, facts)
    if others is not None:
        facts = others
        gpus = ", ".join(dict.fromkeys(gpu.name for gpu in facts.nvidia.gpus))
        notes.append(f"This machine has no GPU: the image is for {gpus}, as it is locked")
    try:
        section = lock.lock.machines[choose_section(lock, facts)]
    except EnvError as error:
        raise _none_fits(error, lock, base) from error
    if section.base:
        raise EnvError(
            f"{lock.file} is locked for conda, and images are built from wheels on a base with Python",
            hint="Lock it for wheels: envkit lock --backend venv --task TASK -o IMAGE.lock",
        )
    # Of the plan only its checks are wanted: that envkit and the plugins are here as they are locked.
    plan_locked("image", lock, planning=replace(planning, facts=facts, here=None))
    return ChosenSection(section=section, facts=facts, notes=tuple(notes))


def _but_for_gpus(lock: LockFile, facts: MachineFacts) -> MachineFacts | None:
    """Return the facts with the GPUs of the one section that fits but for them, None where there is no such."""
    machines, spec = lock.lock.machines, lock.lock.spec
    if facts.nvidia.gpus or any(find_misfit(each, spec, facts) is None for each in machines):
        return None
    given = [
        msgspec.structs.replace(facts, nvidia=machine_facts(each.facts, python=each.python).nvidia)
        for each in machines
        if each.facts.gpus
    ]
    fitting = [each for each in given if any(find_misfit(s, spec, each) is None for s in machines)]
    return fitting[0] if len(fitting) == 1 else None


def _none_fits(error: EnvError, lock: LockFile, base: ImageBase) -> EnvError:
    """Return the error in words for images, with the base that would fit where only Python does not."""
    here = minor_version(base.python)
    minors = dict.fromkeys(minor_version(each.python) for each in lock.lock.machines)
    others = [minor for minor in minors if minor != here]
    hint = error.hint or ""
    if others and here not in minors:
        hint = f"Begin from a Python that is locked: --base-image {default_base(others[0])}\n{hint}"
    return EnvError(f"for an image from {base.reference}: {error.message}", hint=hint)
