"""Plan so that what is in an environment stays as far as it still fits."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import msgspec

from envkit.api import EnvError, EnvkitError, MachineError, UsageError
from envkit.environments.brought_torch import plan_with_torch
from envkit.environments.order import choose, wanted_of
from envkit.environments.prefixes import why_moved
from envkit.environments.requirements import minor_version
from envkit.environments.spec_words import read_python, read_torch
from envkit.environments.store import installed_in, python_of, why_unfit
from envkit.environments.torch_source import why_other_torch

if TYPE_CHECKING:
    from collections.abc import Sequence

    from envkit.environments.order import Choice
    from envkit.environments.plan import Plan, Planning
    from envkit.environments.progress import Progress
    from envkit.environments.records import EnvRecord, EnvSpec, StoredEnvironment, WheelPackage


def plan_keeping(
    name: str,
    spec: EnvSpec,
    record: EnvRecord,
    *,
    planning: Planning,
    progress: Progress,
    wheels: Sequence[WheelPackage] = (),
) -> Plan:
    """Return the plan with the Python and the torch of the record where they still fit, else as if anew.

    ``wheels`` are files that a pylock names.
    """

    def plan_as(wished: EnvSpec) -> Plan:
        return plan_with_torch(
            name, wished, planning=planning, progress=progress, prefer=record, wheels=wheels
        )

    try:
        kept = _kept(spec, record, planning=planning)
        plan = plan_as(kept)
    except (EnvError, MachineError, UsageError):
        return plan_as(spec)
    asked = msgspec.structs.replace(
        plan.spec, python=spec.python, torch=spec.torch, model_packages=spec.model_packages
    )
    return replace(plan, spec=asked, reasons=_reasons(plan, spec, record))


def keep_python(spec: EnvSpec, record: EnvRecord) -> EnvSpec:
    """Return the spec with the record's minor version of Python in it, where the spec leaves that open."""
    python, asked = minor_version(record.python), read_python(spec.python)
    is_said = any(each.operator == "==" for each in asked)
    is_open = not is_said and asked.contains(record.python, prereleases=True)
    return msgspec.structs.replace(spec, python=python) if is_open else spec


def keep_torch(spec: EnvSpec, record: EnvRecord) -> EnvSpec:
    """Return the spec with the record's version of torch in it, where the spec leaves that open.

    The variant is left to the machine, which may have changed, unless the spec names one.
    """
    if record.torch is None:
        return spec
    version = record.torch.version.partition("+")[0]
    wish = read_torch(spec.torch)
    if wish is None:
        return msgspec.structs.replace(spec, torch=version)
    if not wish.specifier.contains(version, prereleases=True):
        return spec
    variant = f"+{wish.variant}" if wish.variant else ""
    return msgspec.structs.replace(spec, torch=f"{version}{variant}")


def keep_model(spec: EnvSpec, record: EnvRecord) -> EnvSpec:
    """Return the spec with the package of the model in it, which a cache may have made needless here."""
    host = {each.name for each in (*record.plugins, *([record.envkit] if record.envkit is not None else []))}
    kept = tuple(text for text in record.without_dependencies if text not in host)
    return msgspec.structs.replace(spec, model_packages=spec.model_packages or kept)


def _kept(spec: EnvSpec, record: EnvRecord, *, planning: Planning) -> EnvSpec:
    kept = keep_python(spec, record)
    choice = choose(kept, planning=planning)
    if choice.torch is None:
        return kept
    kept = keep_torch(kept, record)
    return keep_model(kept, record) if choice.entries else kept


def why_stale(stored: StoredEnvironment, *, planning: Planning) -> str | None:
    """Return what keeps an environment from being what it was asked to be, on this machine and now."""
    record, prefix = stored.record, stored.prefix
    try:
        kept = _kept(record.spec, record, planning=planning)
        choice = choose(kept, planning=planning)
        if choice.torch is None and record.torch is not None:  # a package brought it along
            choice = choose(keep_torch(kept, record), planning=planning)
        if choice.entries:
            return why_unfit(prefix, record, wanted_of(stored.name, choice, planning=planning))
    except EnvkitError as error:  # a plugin that is gone, a machine that has no GPU any more
        return error.message
    return _why_unfit_without_tasks(stored, choice)


def _why_unfit_without_tasks(stored: StoredEnvironment, choice: Choice) -> str | None:
    record = stored.record
    if not python_of(stored.prefix).exists():
        return "its Python is gone"
    if (moved := why_moved(stored.prefix, record)) is not None:
        return moved
    if (other := why_other_torch(stored.prefix, record, choice.torch)) is not None:
        return other
    there = installed_in(stored.prefix)
    gone = [name for name, version in record.installed.items() if there.get(name) != version]
    return f"packages in it were changed: {', '.join(gone[:3])}" if gone else None


def _reasons(plan: Plan, spec: EnvSpec, record: EnvRecord) -> tuple[str, ...]:
    """Return the plan's reasons, in which what was kept was not asked for."""
    python, *torch = plan.reasons
    if not spec.python:
        python = _kept_reason(f"Python {plan.base.python}", record)
    if plan.torch is not None and record.torch is not None and plan.torch.version == record.torch.version:
        torch = [_kept_reason(f"torch {plan.torch.version}", record)]
    return (python, *torch)


def _kept_reason(what: str, record: EnvRecord) -> str:
    """Return that it is kept, and why it was chosen once."""
    before = next((text for text in record.reasons if text.startswith(f"{what}: ")), "")
    why = before.removeprefix(f"{what}: ").removeprefix("kept").removeprefix("; ")
    return f"{what}: kept; {why}" if why else f"{what}: kept"
