"""Give a run its environment: the one place that decides between the running interpreter and a made one."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

from envkit.api import EnvError
from envkit.environments.lacking import add_command, find_lacking, find_lacking_model
from envkit.environments.order import Order
from envkit.environments.pip_configuration import read_pip_configuration
from envkit.environments.records import Environment, describe_record
from envkit.environments.requirements import installed_for
from envkit.environments.store import (
    Wanted,
    envs_dir,
    find_environment,
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
    from envkit.environments.progress import Progress
    from envkit.machine import MachineFacts
    from envkit.registry import TaskEntry


def provide_environment(
    choice: str,
    *,
    entry: TaskEntry,
    model: str,
    facts: MachineFacts,
    home: Path,
    torch_index: str,
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
    order = Order(
        entry=entry,
        model=model,
        facts=facts,
        home=home.absolute(),
        torch_index=torch_index,
        environ=environ,
        find_distribution=find_distribution,
        host_extras=host_extras,
    )
    if choice == "auto":
        return _current(order, is_asked=False) or _managed(order, progress)
    if choice == "current":
        current = _current(order, is_asked=True)
        assert current is not None
        return current
    return _named(choice, order)


def provide_again(
    used: EnvironmentUse,
    *,
    entry: TaskEntry,
    model: str,
    facts: MachineFacts,
    home: Path,
    torch_index: str,
    progress: Progress,
    host_extras: frozenset[str] = frozenset(),
    environ: Mapping[str, str] = os.environ,
    find_distribution: Callable[[str], Distribution] = metadata.distribution,
) -> Environment:
    """Return the environment that a run had, for it to go on in.

    ``current`` is the interpreter that runs now. One of the store is taken as it is, whatever has been
    installed here since, and made again where it is gone. Raises: EnvError, PluginError, MachineError.
    """
    order = Order(
        entry=entry,
        model=model,
        facts=facts,
        home=home.absolute(),
        torch_index=torch_index,
        environ=environ,
        find_distribution=find_distribution,
        host_extras=host_extras,
    )
    if used.kind == "current":
        current = _current(order, is_asked=True)
        assert current is not None
        return current
    for stored in list_environments(order.home):
        if stored.name == used.name and os.access(python_of(stored.prefix), os.X_OK):
            reason = f"{stored.name}, in which the run began: {describe_record(stored.record)}"
            return replace(hold_environment(stored), reason=reason)
    progress.say(f"The environment {used.name}, in which the run began, is gone")
    return _managed(order, progress)


def _current(order: Order, *, is_asked: bool) -> Environment | None:
    """Return the running interpreter; where it lacks something, None, or an EnvError if it was asked for."""
    python = order.facts.python
    needs = order.needs(python.version)
    installed = installed_for(needs, find_distribution=order.find_distribution)
    lacking = find_lacking(needs, installed, order)
    model = [] if is_asked and order.can_ask_hub else find_lacking_model(needs, order, search_path=sys.path)
    lacking += model
    if lacking and is_asked:
        raise EnvError(
            f"the running Python lacks what {order.entry.name} needs: {'; '.join(lacking)}",
            hint=add_command(Path(python.path), needs, installed, order, with_model=bool(model)),
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


def _named(name: str, order: Order) -> Environment:
    stored = {each.name: each for each in list_environments(order.home)}
    if name not in stored:
        raise EnvError(
            f"there is no environment {name!r} in {envs_dir(order.home)}",
            hint=f"Known: {', '.join(stored) or 'none yet'}. Without --env one is found or made",
        )
    environment, record = hold_environment(stored[name]), stored[name].record
    needs = order.needs(record.python)
    installed = installed_in(environment.prefix)
    lacking = find_lacking(needs, installed, order)
    libraries = libraries_of(environment.prefix)
    model = [] if order.can_ask_hub else find_lacking_model(needs, order, search_path=libraries)
    lacking += model
    has_changed = False
    for package, was in ((order.envkit_package(), record.envkit), (order.plugin_package(), record.plugin)):
        if package != was:
            has_changed = True
            lacking.append(f"{package.name} {package.version} as it is installed here")
    if lacking:
        environment.release()
        hint = f"envkit run {order.entry.name} --env auto finds or makes one that fits"
        if not has_changed:
            hint = add_command(environment.python, needs, installed, order, with_model=bool(model))
        raise EnvError(
            f"the environment {name} lacks what {order.entry.name} needs: {'; '.join(lacking)}",
            hint=hint,
        )
    return replace(environment, reason=f"{name}, asked for: {describe_record(record)}")


def _managed(order: Order, progress: Progress) -> Environment:
    configuration = read_pip_configuration(environ=order.environ)
    target = order.target(configuration)
    wanted = Wanted(
        name=order.environment_name(target),
        python=target.version,
        needs=target.needs,
        plugin=order.plugin_package(),
        envkit=order.envkit_package(),
        torch=target.torch,
        model_package=order.model_package(target.needs),
    )
    environment = find_environment(order.home, wanted)
    if environment is None:
        from envkit.environments.managed import make_managed  # a reuse has 0.15 s for everything

        environment = make_managed(order, target, wanted, configuration=configuration, progress=progress)
    assert environment.record is not None
    why = "made now" if environment.created else "made before"
    return replace(environment, reason=f"{environment.name}, {why}: {describe_record(environment.record)}")
