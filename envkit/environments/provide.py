"""Give a run its environment: the one place that decides between the running interpreter and a made one."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from dataclasses import replace
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from envkit.api import DEFAULT_MODEL, EnvError
from envkit.environments.lacking import add_command, find_lacking, sync_command
from envkit.environments.order import (
    automatic_name,
    choose,
    host_package,
    wanted_of,
)
from envkit.environments.records import Environment, EnvSpec, describe_record
from envkit.environments.requirements import HOST, installed_for, minor_version
from envkit.environments.run_order import RunOrder, run_order
from envkit.environments.store import (
    find_environment,
    find_stored,
    hold_environment,
    installed_in,
    libraries_of,
    list_environments,
    python_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from importlib.metadata import Distribution

    from envkit.api.records import EnvironmentUse
    from envkit.config import Settings
    from envkit.environments.order import Choice
    from envkit.environments.progress import Progress
    from envkit.environments.records import EnvRecord, HostPackage
    from envkit.machine import MachineFacts
    from envkit.registry import TaskEntry


def provide_environment(
    choice: str,
    *,
    entry: TaskEntry,
    model: str,
    facts: MachineFacts,
    settings: Settings,
    progress: Progress,
    host_extras: frozenset[str] = frozenset(),
    environ: Mapping[str, str] = os.environ,
    find_distribution: Callable[[str], Distribution] = metadata.distribution,
) -> Environment:
    """Return the environment for a run of this task: ``auto``, ``current``, or a name from the store.

    ``auto`` is the running interpreter where that has all, else an environment of the store, made if need
    be; nothing else is ever changed. ``host_extras`` are extras of envkit-ml that the data calls for, such as
    ``parquet``. Raises: EnvError that lists what is lacking and the command that adds
    it, or says why none could be made; PluginError; MachineError where no torch build fits.
    """
    order = run_order(
        entry,
        model=model,
        facts=facts,
        settings=settings,
        host_extras=host_extras,
        environ=environ,
        find_distribution=find_distribution,
    )
    if choice == "auto":
        return current_environment(order, is_asked=False) or _managed(order, progress)
    if choice == "current":
        current = current_environment(order, is_asked=True)
        assert current is not None
        return current
    return named_environment(choice, order)


def provide_again(
    used: EnvironmentUse,
    *,
    entry: TaskEntry,
    model: str,
    facts: MachineFacts,
    settings: Settings,
    progress: Progress,
    host_extras: frozenset[str] = frozenset(),
    is_renewed: bool = False,
    environ: Mapping[str, str] = os.environ,
    find_distribution: Callable[[str], Distribution] = metadata.distribution,
) -> Environment:
    """Return the environment that a run had, for it to go on in.

    ``current`` is the interpreter that runs now. One of the store is taken as it is, whatever has been
    installed here since, and made again where it is gone. What has changed here without a new version, as
    under the hands of its author, is told in its reason; with ``is_renewed`` such an environment serves no
    more, as it would serve no new run. Raises: EnvError, PluginError, MachineError.
    """
    order = run_order(
        entry,
        model=model,
        facts=facts,
        settings=settings,
        host_extras=host_extras,
        environ=environ,
        find_distribution=find_distribution,
    )
    if used.kind == "current":
        current = current_environment(order, is_asked=True)
        assert current is not None
        return current
    for stored in list_environments(order.planning.home):
        if stored.name == used.name and os.access(python_of(stored.prefix), os.X_OK):
            changed = _changed_here(order, stored.record)
            if changed and is_renewed:
                return (
                    _managed(order, progress)
                    if _is_automatic(order, used.name)
                    else named_environment(used.name, order)
                )
            reason = f"{stored.name}, in which the run began: {describe_record(stored.record)}"
            if changed:
                reason += f"; {' and '.join(changed)} in it as then, though changed here since"
            return replace(hold_environment(stored), reason=reason)
    progress.say(f"The environment {used.name}, in which the run began, is gone")
    return _managed(order, progress)


def _changed_here(order: RunOrder, record: EnvRecord) -> list[str]:
    """Return what is of the same version in the environment and here, and not of the same content."""
    inside = {each.name: each for each in (*record.plugins, *([record.envkit] if record.envkit else []))}
    changed = []
    for dist in (order.planning.find_distribution(HOST), order.entry.distribution):
        was = inside.get(dist.metadata["Name"])
        if was is None or was.version != dist.version:
            continue
        with suppress(EnvError):  # nobody knows of which files it consists
            if host_package(dist).digest != was.digest:
                changed.append(f"{was.name} {was.version}")
    return changed


def _is_automatic(order: RunOrder, name: str) -> bool:
    """Tell whether a run makes itself an environment of this name, and makes it anew when it does not fit."""
    spec = order.spec()
    return name == automatic_name(spec, choose(spec, planning=order.planning, model=order.model))


def current_environment(order: RunOrder, *, is_asked: bool) -> Environment | None:
    """Return the running interpreter; where it lacks something, None, or an EnvError if it was asked for."""
    planning, python = order.planning, order.planning.facts.python
    needs = order.needs(python.version)
    installed = installed_for(needs, find_distribution=planning.find_distribution)
    lacking = find_lacking(needs, installed, facts=planning.facts)
    model = [] if is_asked and order.can_ask_hub else order.lacking_model(needs, search_path=sys.path)
    lacking += model
    if lacking and is_asked:
        raise EnvError(
            f"the running Python lacks what {order.entry.name} needs: {'; '.join(lacking)}",
            hint=add_command(
                needs, installed, planning=planning, task=order.entry.name, with_model=bool(model)
            ),
        )
    if lacking:
        return None
    torch = f", torch {installed['torch']} included" if "torch" in installed else ""
    return Environment(
        kind="current",
        name="current",
        prefix=Path(sys.prefix),
        python=Path(python.path),
        reason=f"the running Python {python.version} has all that {order.entry.name} needs{torch}",
    )


def named_environment(name: str, order: RunOrder, *, is_look: bool = False) -> Environment:
    """Return the environment of this name, held; with ``is_look`` that counts as no use of it.

    Raises: EnvError where there is none or it lacks something.
    """
    stored = find_stored(order.planning.home, name)
    environment, record = hold_environment(stored, is_look=is_look), stored.record
    needs = order.needs(record.python)
    installed = installed_in(environment.prefix)
    lacking = find_lacking(needs, installed, facts=order.planning.facts)
    if not order.can_ask_hub:
        lacking += order.lacking_model(needs, search_path=libraries_of(environment.prefix))
    inside: dict[str, HostPackage] = {each.name: each for each in record.plugins}
    if record.envkit is not None:
        inside[record.envkit.name] = record.envkit
    for dist in (order.planning.find_distribution(HOST), order.entry.distribution):
        package = host_package(dist)
        if inside.get(package.name) != package:
            lacking.append(f"{package.name} {package.version} as it is installed here")
    if lacking:
        environment.release()
        raise EnvError(
            f"the environment {name} lacks what {order.entry.name} needs: {'; '.join(lacking)}",
            hint=sync_command(name, needs, record, task=order.entry.name, host_extras=order.host_extras),
        )
    return replace(environment, reason=f"{name}, asked for: {describe_record(record)}")


def _managed(order: RunOrder, progress: Progress) -> Environment:
    planning, spec = order.planning, order.spec()
    choice = choose(spec, planning=planning, model=order.model)
    name = automatic_name(spec, choice)
    environment = find_environment(planning.home, wanted_of(name, choice, planning=planning))
    if environment is None:
        environment = _make(order, spec, choice, progress)
    assert environment.record is not None
    why = "made now" if environment.created else "made before"
    return replace(environment, reason=f"{environment.name}, {why}: {describe_record(environment.record)}")


def _with_what_is_there(order: RunOrder, spec: EnvSpec, name: str) -> tuple[EnvSpec, str]:
    """Return spec and model with what other runs had put into the environment of this name.

    Else two runs that need different extras would each make it anew, for ever by turns. It does not grow without end:
    what runs of one task differ in are the extras that their data call for, of which there is ``parquet`` alone, and
    the default model. Other packages are never kept: they are those that the plugin needs now. An environment for each
    set of extras would hold torch once more for each. What an environment with a name of the user's holds, `env sync`
    decides.
    """
    from envkit.models import DEFAULT_MODEL_PACKAGE

    there = next((each.record for each in list_environments(order.planning.home) if each.name == name), None)
    if there is None:
        return spec, order.model
    extras = tuple(sorted({*spec.host_extras, *there.spec.host_extras}))
    is_default = DEFAULT_MODEL_PACKAGE in there.without_dependencies
    return msgspec.structs.replace(spec, host_extras=extras), DEFAULT_MODEL if is_default else order.model


def _make(order: RunOrder, spec: EnvSpec, choice: Choice, progress: Progress) -> Environment:
    # A reuse has 0.15 s for everything.
    from envkit.environments.brought_torch import plan_with_torch
    from envkit.environments.make import make_environment

    planning, name = order.planning, automatic_name(spec, choice)
    spec, model = _with_what_is_there(order, spec, name)
    plan = plan_with_torch(name, spec, planning=planning, progress=progress, model=model)
    python = minor_version(plan.base.python)
    if python != minor_version(choice.version):  # that of the name does not start: the name tells the other
        told = msgspec.structs.replace(spec, python=python)
        choice = choose(told, planning=planning, model=order.model)
        plan = replace(plan, name=automatic_name(told, choice))
        found = find_environment(planning.home, wanted_of(plan.name, choice, planning=planning))
        if found is not None:
            return found
    return make_environment(plan, planning=planning, progress=progress)
