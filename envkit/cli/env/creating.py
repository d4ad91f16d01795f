"""Make an environment that was asked for, unless it is there.

Beside uv the command itself takes the time that its imports take: what only some ways need is imported there,
and what tells how it ended, while the environment is proved.
"""

from __future__ import annotations

import shlex
from importlib import import_module
from typing import TYPE_CHECKING

import click

from envkit.api import EnvError
from envkit.cli.env.late_screen import LateScreen
from envkit.cli.env.locked import plan_of_lock, read_wish
from envkit.cli.env.origins import naming_origins
from envkit.cli.env.surroundings import read_planning, read_settings
from envkit.cli.env.wishes import check_machine, spec_differences, words_of
from envkit.environments.brought_torch import plan_with_torch
from envkit.environments.drift import why_unplanned
from envkit.environments.generations import sweep
from envkit.environments.make import check_made_here, make_environment
from envkit.environments.records import EnvSpec
from envkit.environments.store import (
    check_name,
    envs_dir,
    find_stored,
    hold_environment,
    list_environments,
)

if TYPE_CHECKING:
    from pathlib import Path

    from envkit.cli.env.options import Asked
    from envkit.cli.env.records import PlanLine
    from envkit.cli.env.wishes import Wish
    from envkit.environments.plan import Plan, Planning
    from envkit.environments.progress import Progress
    from envkit.environments.records import Environment, StoredEnvironment


def create_environment(
    name: str,
    asked: Asked,
    *,
    facts_file: Path | None,
    lock_file: Path | None,
    is_dry_run: bool,
    as_json: bool,
) -> None:
    """Make it, or say that it is there. Raises: EnvkitError; EnvError where another of its name is there."""
    check_name(name)
    settings = read_settings()
    home = settings.home.absolute()
    stored = next((each for each in list_environments(home) if each.name == name), None)
    backend = settings.backend if stored is None else stored.record.backend  # unless one is named
    wish = read_wish(
        EnvSpec(backend=backend),
        asked,
        lock_file=lock_file,
        may_choose_backend=True,
        package_index=settings.package_index,
    )
    if stored is None and wish.spec.backend == "conda":
        from envkit.environments.conda.process import start_ahead

        start_ahead()  # no option named it: a setting or a file
    line: PlanLine | None = None
    environment: Environment | None = None
    with naming_origins(wish), LateScreen() as view:
        for note in wish.notes:
            view.say(f"note: {note}")
        view.step("looking at this machine")
        planning = read_planning(settings, facts_file=facts_file)
        check_machine(wish, planning.facts.platform, here=(planning.here or planning.facts).platform)
        if stored is not None:
            environment = _take(stored, wish, planning=planning)
            if not is_dry_run:
                sweep(envs_dir(home))
        else:
            plan = (
                plan_with_torch(name, wish.spec, planning=planning, progress=view, wheels=wish.wheels)
                if wish.lock is None
                else plan_of_lock(name, wish.lock, planning=planning)
            )
            if wish.wheels:
                plan = _pinned(plan, wish, planning=planning, view=view)
            if is_dry_run:
                line = _resolved(plan, planning=planning, view=view)
            else:
                environment = _make(plan, wish, planning=planning, view=view, as_json=as_json)
    _report(line, environment, wish, home=home, is_dry_run=is_dry_run, as_json=as_json)


def _report(
    line: PlanLine | None,
    environment: Environment | None,
    wish: Wish,
    *,
    home: Path,
    is_dry_run: bool,
    as_json: bool,
) -> None:
    if as_json:
        from envkit.cli import envelope
        from envkit.cli.env.records import Created, environment_line

        created = Created(
            dry_run=is_dry_run,
            created=environment is not None and environment.created,
            notes=wish.notes,
            plan=line,
            environment=None if environment is None else environment_line(environment, home=home),
        )
        envelope.write(["env", "create"], data=created)
        return
    from envkit.cli.env import screen

    if line is not None:
        screen.print_plan(line)
        click.echo("\nNothing was made: --dry-run")
    elif environment is not None:
        name = environment.name
        if not environment.created:
            click.echo(f"{name} is there and is what was asked for\n")
        screen.print_made(environment, link=envs_dir(home) / name, tasks=wish.spec.tasks)


def _pinned(plan: Plan, wish: Wish, *, planning: Planning, view: Progress) -> Plan:
    from envkit.environments.pinned import pin_wheels

    return pin_wheels(plan, wish.wheels, planning=planning, progress=view)


def _resolved(plan: Plan, *, planning: Planning, view: Progress) -> PlanLine:
    from envkit.cli.env.records import plan_line
    from envkit.environments.resolve import resolve_wheels

    return plan_line(plan, resolve_wheels(plan, planning=planning, progress=view))


def _make(plan: Plan, wish: Wish, *, planning: Planning, view: Progress, as_json: bool) -> Environment:
    """Return the environment, made now; one that another process made meanwhile only if it is what was asked for.

    Raises: EnvError.
    """
    check_made_here(plan)
    report = "envkit.cli.env.records" if as_json else "envkit.cli.env.screen"
    environment = make_environment(
        plan, planning=planning, progress=view, may_replace=False, meanwhile=lambda: import_module(report)
    )
    if environment.created:
        return environment
    try:
        return _take(find_stored(planning.home.absolute(), plan.name), wish, planning=planning)
    finally:
        environment.release()


def _take(stored: StoredEnvironment, wish: Wish, *, planning: Planning) -> Environment:
    """Return the environment that is there. Raises: EnvError that says in what it is not what was asked for."""
    name, there = stored.name, stored.record.spec
    if wish.lock is not None:
        plan = plan_of_lock(name, wish.lock, planning=planning)
        why = why_unplanned(stored.prefix, stored.record, plan, is_change=True)
        differences, sync = [why] if why is not None else [], ["--locked", str(wish.lock.file)]
    else:
        differences, sync = spec_differences(there, wish.spec), words_of(wish.spec, than=there, wish=wish)
    if not differences and wish.lock is None:
        from envkit.cli.env.keeping import why_stale

        why = why_stale(stored, planning=planning)
        differences, sync = [why] if why is not None else [], []
    if differences:
        lines = "".join(f"\n  {each}" for each in differences)
        raise EnvError(
            f"there is an environment {name} already, and it is not what was asked for:{lines}",
            hint=f"To change it: {shlex.join(['envkit', 'env', 'sync', name, *sync])}\n"
            f"To begin anew: envkit env remove {name}",
        )
    return hold_environment(stored)
