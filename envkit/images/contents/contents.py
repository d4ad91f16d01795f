"""Decide what goes into an image: from a task, a lock or a run to exact files."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import msgspec

from envkit.api import EnvError, MachineError
from envkit.environments.lockfile.entries import torch_build
from envkit.environments.lockfile.make import make_lock
from envkit.environments.lockfile.records import Lock
from envkit.environments.lockfile.write import write_lock
from envkit.environments.order import host_package, needs_of
from envkit.environments.records import EnvSpec
from envkit.images.contents.bases import default_base
from envkit.images.contents.hosts import whole_distribution
from envkit.images.contents.of_lock import section_of
from envkit.images.contents.of_run import order_of_run
from envkit.images.contents.pins import find_files, without_places
from envkit.images.records import Contents

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from envkit.api import ImageTemplate
    from envkit.environments.lockfile.records import LockedMachine, LockFile
    from envkit.environments.plan import Planning
    from envkit.environments.progress import Progress
    from envkit.environments.records import EnvRecord
    from envkit.images.records import ImageBase
    from envkit.torchbuild import TorchBuild
    from envkit.worker.folder import RunFolder

# Pythons that a task may need instead of the base's, the likeliest first.
_OTHER_PYTHONS = ("3.12", "3.11", "3.13", "3.14", "3.10")


@dataclass(frozen=True, kw_only=True)
class _Decided:
    """A lock of one section, and what goes into the image beside it; ``text`` is the lock's own, if it has one."""

    spec: EnvSpec
    section: LockedMachine
    text: str = ""
    model_dir: Path | None = None
    run_id: str = ""
    notes: tuple[str, ...] = ()


def make_contents(
    template: ImageTemplate,
    *,
    base: ImageBase,
    planning: Planning,
    progress: Progress,
    tasks: Sequence[str] = (),
    lock: LockFile | None = None,
    run: RunFolder | None = None,
    torch: str = "",
) -> Contents:
    """Return what an image of this template has in it, all of it locked; nothing but caches is written.

    One of ``tasks``, ``lock`` and ``run`` says what. ``planning`` has the image's facts (``image_facts``) and, as
    ``here``, this machine's; ``torch`` is as in EnvSpec. Raises: UsageError for a lock without tasks and a run
    without what the template needs, PluginError, EnvError where packages cannot be had as they are locked or
    the base's Python is none for a task, MachineError where no torch build fits.
    """
    try:
        if lock is not None:
            decided = _of_lock(template, lock, base=base, planning=planning, progress=progress)
        elif run is not None:
            decided = _of_run(template, run, base=base, torch=torch, planning=planning, progress=progress)
        else:
            spec = EnvSpec(
                tasks=tuple(tasks), torch=torch, packages=template.packages, purpose=template.purpose
            )
            section = _lock(spec, base=base, planning=planning, progress=progress)
            decided = _Decided(spec=spec, section=section)
        uv_version = planning.find_distribution("uv").version
        files = find_files(decided.section, uv_version=uv_version, planning=planning, progress=progress)
    except (EnvError, MachineError) as error:
        if base.reference not in error.message:  # else one looks for the fault on this machine
            error.message = f"for an image from {base.reference}: {error.message}"
            error.args = (error.message,)
        raise
    section = decided.section
    hosts = tuple(
        whole_distribution(planning.find_distribution(each.name), planning=planning, progress=progress)
        for each in section.host
    )
    text = decided.text or _lock_text(decided.spec, section, folder=planning.home)
    return Contents(
        lock_text=text,
        lock_sha256=hashlib.sha256(text.encode("utf-8")).hexdigest(),
        python=base.python,
        torch=_torch_of(section, planning=planning),
        tasks=decided.spec.tasks,
        packages=files.packages,
        uv=files.uv,
        hosts=hosts,
        plugins=tuple(map(host_package, hosts)),
        model_dir=decided.model_dir,
        run_id=decided.run_id,
        notes=decided.notes,
    )


def _of_lock(
    template: ImageTemplate, lock: LockFile, *, base: ImageBase, planning: Planning, progress: Progress
) -> _Decided:
    chosen = section_of(lock, base=base, planning=planning)
    spec, section = lock.lock.spec, chosen.section
    if not template.packages:
        # The file itself, where it holds no more than this: then its sha256 is that of the lock in the image.
        text = lock.text if len(lock.lock.machines) == 1 else ""
        return _Decided(spec=spec, section=section, text=text, notes=chosen.notes)
    more = msgspec.structs.replace(spec, packages=(*spec.packages, *template.packages))
    around = replace(planning, facts=chosen.facts)
    previous = Lock(spec=more, machines=(section,))
    again = _lock(more, base=base, planning=around, progress=progress, previous=previous)
    note = f"Locked again for {', '.join(template.packages)}, {_changes(section, again)}"
    return _Decided(spec=more, section=again, notes=(*chosen.notes, note))


def _of_run(
    template: ImageTemplate,
    run: RunFolder,
    *,
    base: ImageBase,
    torch: str,
    planning: Planning,
    progress: Progress,
) -> _Decided:
    order = order_of_run(run, template, torch=torch, planning=planning)
    section = _lock(order.spec, base=base, planning=planning, progress=progress, record=order.prefer)
    return _Decided(
        spec=order.spec,
        section=section,
        model_dir=order.model_dir,
        run_id=order.run_id,
        notes=order.notes,
    )


def _lock(
    spec: EnvSpec,
    *,
    base: ImageBase,
    planning: Planning,
    progress: Progress,
    record: EnvRecord | None = None,
    previous: Lock | None = None,
) -> LockedMachine:
    """Return what the spec comes to on the image, whose facts ``planning`` has."""
    _check_python(spec, base=base, planning=planning)
    lock = make_lock(spec, planning=planning, progress=progress, record=record, previous=previous)
    return lock.machines[0]


def _check_python(spec: EnvSpec, *, base: ImageBase, planning: Planning) -> None:
    """Check that all tasks run on the base's Python. Raises: EnvError with a base that would do."""
    version = planning.facts.python.version
    for name in spec.tasks:
        entry = planning.find_task(name)
        needs = needs_of(
            entry,
            python=version,
            planning=planning,
            host_extras=frozenset(spec.host_extras),
            purpose=spec.purpose,
        )
        if needs.requires_python.contains(version, prereleases=True):
            continue
        others = (each for each in _OTHER_PYTHONS if needs.requires_python.contains(f"{each}.99"))
        other = next(others, None)
        raise EnvError(
            f"{entry} needs Python {needs.requires_python}, and {base.reference} has {base.python}",
            hint=f"Begin from another: --base-image {default_base(other)}" if other else None,
        )


def _torch_of(section: LockedMachine, *, planning: Planning) -> TorchBuild | None:
    """Return the torch of a section as it is had here."""
    if section.torch is None:
        return None
    return torch_build(section.torch, python=section.python, torch_index=planning.torch_index)


def _lock_text(spec: EnvSpec, section: LockedMachine, *, folder: Path) -> str:
    """Return a lock of this section alone, in which no path of this machine stands."""
    plain = without_places(spec, section)
    return write_lock(Lock(spec=plain.spec, machines=(plain.section,)), folder=folder)


def _changes(old: LockedMachine, new: LockedMachine) -> str:
    """Return in words which versions changed."""
    before = {each.name: each.version for each in old.wheels}
    after = {each.name: each.version for each in new.wheels}
    changed = [
        f"{name} {version} -> {after[name]}"
        for name, version in before.items()
        if name in after and after[name] != version
    ]
    added = len(after.keys() - before.keys())
    return f"{added} packages added; {'changed: ' + ', '.join(changed) if changed else 'none changed'}"
