"""Bring an environment to what it is asked to be: say what that changes, ask, and do it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import click

from envkit.cli import envelope
from envkit.cli.env import screen
from envkit.cli.env.asking import confirm
from envkit.cli.env.changes import compare_packages
from envkit.cli.env.keeping import plan_keeping
from envkit.cli.env.locked import plan_of_lock, read_wish
from envkit.cli.env.origins import naming_origins
from envkit.cli.env.records import PlanLine, Synced, environment_line, plan_line
from envkit.cli.env.surroundings import read_planning, read_settings
from envkit.cli.env.wishes import check_machine
from envkit.cli.progress import run_screen
from envkit.environments.brought_torch import plan_with_torch
from envkit.environments.drift import is_same_spec, why_unplanned
from envkit.environments.generations import sweep
from envkit.environments.make import check_made_here, make_environment
from envkit.environments.pinned import pin_wheels
from envkit.environments.resolve import resolve_wheels
from envkit.environments.store import check_name, envs_dir, find_stored, hold_environment

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from envkit.cli.env.changes import Change
    from envkit.cli.env.options import Asked
    from envkit.cli.env.wishes import Wish
    from envkit.cli.progress import RunScreen
    from envkit.environments.plan import Plan, Planning
    from envkit.environments.records import Environment, StoredEnvironment


@dataclass(frozen=True, kw_only=True)
class Way:
    """How it is done: newest or locked, or only said, or without asking; in JSON or on a screen."""

    is_upgrade: bool
    lock_file: Path | None
    is_dry_run: bool
    is_agreed: bool
    as_json: bool


@dataclass(frozen=True, kw_only=True)
class _Prepared:
    """A change before it is made: ``why`` is what is not as planned, None where all is."""

    planning: Planning
    plan: Plan
    line: PlanLine
    changes: tuple[Change, ...]
    why: str | None

    @property
    def is_needed(self) -> bool:
        return bool(self.changes) or self.why is not None


def sync_environment(
    name: str, asked: Asked, *, without: Sequence[str], facts_file: Path | None, way: Way
) -> None:
    """Bring it to its spec, with what is asked added and ``without`` taken out. Raises: EnvkitError."""
    check_name(name)
    settings = read_settings()
    home = settings.home.absolute()
    stored = find_stored(home, name)
    wish = read_wish(
        stored.record.spec,
        asked,
        lock_file=way.lock_file,
        without=without,
        package_index=settings.package_index,
    )
    with naming_origins(wish), run_screen(headline="") as view:
        for note in wish.notes:
            view.say(f"note: {note}")
        view.step("looking at this machine")
        planning = read_planning(settings, facts_file=facts_file)
        check_machine(wish, planning.facts.platform, here=(planning.here or planning.facts).platform)
        plan = _plan(stored, wish, planning=planning, view=view, way=way)
        prefer = {} if way.is_upgrade else stored.record.installed
        plan = pin_wheels(plan, wish.wheels, planning=planning, progress=view, prefer=prefer)
        prepared = _prepare(stored, plan, planning=planning, view=view, is_upgrade=way.is_upgrade)
    environment = None
    if prepared.is_needed:
        if not way.as_json:
            _show(stored, prepared, is_dry_run=way.is_dry_run)
        if not way.is_dry_run:
            _ask(stored, prepared.changes, way=way)
            with run_screen(headline="") as view:
                environment = make_environment(
                    prepared.plan,
                    planning=planning,
                    progress=view,
                    is_change=True,
                    changed_from=stored.prefix,
                )
    elif not way.is_dry_run:
        environment = hold_environment(stored)
        sweep(envs_dir(home))
    _report(prepared, wish, environment, home=home, way=way)


def _report(
    prepared: _Prepared, wish: Wish, environment: Environment | None, *, home: Path, way: Way
) -> None:
    name = prepared.plan.name
    if way.as_json:
        synced = Synced(
            dry_run=way.is_dry_run,
            changed=environment is not None and environment.created,
            notes=wish.notes,
            why=prepared.why,
            changes=prepared.changes,
            plan=prepared.line,
            environment=None if environment is None else environment_line(environment, home=home),
        )
        envelope.write(["env", "sync"], data=synced)
    elif not prepared.is_needed:
        click.echo(f"{name} is up to date: nothing to do")
    elif environment is None:
        click.echo("\nNothing was changed: --dry-run")
    else:
        click.echo()
        screen.print_made(environment, link=envs_dir(home) / name, tasks=wish.spec.tasks)


def _plan(stored: StoredEnvironment, wish: Wish, *, planning: Planning, view: RunScreen, way: Way) -> Plan:
    if wish.lock is not None:
        return plan_of_lock(stored.name, wish.lock, planning=planning)
    if way.is_upgrade:
        return plan_with_torch(stored.name, wish.spec, planning=planning, progress=view, wheels=wish.wheels)
    return plan_keeping(
        stored.name, wish.spec, stored.record, planning=planning, progress=view, wheels=wish.wheels
    )


def _prepare(
    stored: StoredEnvironment, plan: Plan, *, planning: Planning, view: RunScreen, is_upgrade: bool
) -> _Prepared:
    record = stored.record
    check_made_here(plan)
    prefer = {} if is_upgrade else record.installed
    wheels = resolve_wheels(plan, planning=planning, prefer=prefer, progress=view)
    changes = compare_packages(record, stored.prefix, plan=plan, wheels=wheels)
    if not changes and plan.lock is None and is_same_spec(plan.spec, record.spec):
        plan = replace(plan, lock=record.lock)  # it still is what was locked
    return _Prepared(
        planning=planning,
        # Exactly what is shown is what is made: nothing is resolved a second time.
        plan=replace(plan, locked=wheels),
        line=plan_line(plan, wheels, changes=changes),
        changes=changes,
        why=why_unplanned(stored.prefix, record, plan, is_change=True),
    )


def _show(stored: StoredEnvironment, prepared: _Prepared, *, is_dry_run: bool) -> None:
    if prepared.changes:
        screen.print_changes(stored.name, prepared.changes)
        click.echo(f"\ndownload  {screen.download_text(prepared.line)}")
    elif is_dry_run:  # else the making says it
        click.echo(f"{stored.name} would be made anew: {prepared.why}")
    if stored.is_in_use:
        click.echo(f"{stored.name} is in use: what runs in it goes on in the old one until it ends")


def _ask(stored: StoredEnvironment, changes: Sequence[Change], *, way: Way) -> None:
    """Ask where something that is there goes or becomes another version. Raises: UsageError."""
    # What is installed here has been changed by the user already: an environment only follows.
    touched = [each for each in changes if each.kind != "add" and not each.is_host]
    if not touched or way.is_agreed:
        return
    removed = sum(each.kind == "remove" for each in touched)
    words = [f"{removed} removed" if removed else "", f"{len(touched) - removed} changed"]
    counted = " and ".join(word for word in words if word and not word.startswith("0 "))
    confirm(
        f"Change {stored.name}?",
        otherwise=f"packages of {stored.name} would be replaced ({counted})",
        as_json=way.as_json,
    )
