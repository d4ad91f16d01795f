"""``envkit env remove NAME…``: remove environments, asking first."""

from __future__ import annotations

import os
import time
from pathlib import Path

import click
import msgspec

from envkit import config
from envkit.api import UsageError
from envkit.cli import envelope
from envkit.cli.ages import read_age
from envkit.cli.env.asking import confirm
from envkit.cli.env.list import last_used_text
from envkit.environments.holders import busy_error
from envkit.environments.records import format_size
from envkit.environments.removal import Removable, find_removable, remove_with_traces
from envkit.environments.store import envs_dir, list_environments
from envkit.machine.installers import uv_cache_dir

# Of an environment whose files are links to uv's cache, next to nothing is freed.
_SHARED = 0.5


class RemovedEnv(msgspec.Struct, frozen=True, kw_only=True):
    """An environment that was removed; ``freed`` is in bytes, 0 under ``--dry-run``.

    ``kernel`` is the folder of its Jupyter kernel, if that was removed too; ``notes`` say what was not.
    """

    name: str
    size: int
    freed: int
    kernel: str | None = None
    notes: tuple[str, ...] = ()


class Removed(msgspec.Struct, frozen=True, kw_only=True):
    """What ``--json`` says."""

    dry_run: bool
    environments: tuple[RemovedEnv, ...]
    freed: int


@click.command(name="remove", short_help="Remove environments.")
@click.argument("names", metavar="[NAME...]", nargs=-1)
@click.option(
    "--unused-for",
    metavar="DAYS",
    help="Only what nothing used for that long, as in 30d; without NAME, of all.",
)
@click.option("--dry-run", is_flag=True, help="Only say what would be removed.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead.")
def command(names: tuple[str, ...], unused_for: str | None, dry_run: bool, yes: bool, as_json: bool) -> None:
    """Remove environments, with their Jupyter kernels, and whatever is left of one that was never finished.

    One in use stays; models and runs are elsewhere and stay as well.
    """
    if not names and unused_for is None:
        raise UsageError("no environment is named", hint="envkit env remove NAME, or --unused-for 30d")
    home = config.resolve_settings(config.read_layers(Path.cwd())).home.absolute()
    chosen = [find_removable(home, name) for name in dict.fromkeys(names)]
    busy = [each.name for each in chosen if each.stored is not None and each.stored.is_in_use]
    if busy and unused_for is None:
        raise busy_error(envs_dir(home), busy)
    if unused_for is not None:
        unused = _unused(home, seconds=read_age(unused_for))
        long_idle = {each.name for each in unused}
        for each in chosen:
            if each.name not in long_idle and each.stored is not None:
                used = f"was last used {last_used_text(each.stored)}"
                why = "is in use" if each.stored.is_in_use else used
                click.echo(f"note: {each.name} stays: it {why}", err=True)
        chosen = [each for each in chosen or unused if each.name in long_idle or each.stored is None]
    if not chosen and not as_json:
        click.echo(f"No environment has been unused for {unused_for}")
        return
    if not as_json and not yes:
        for each in chosen:
            state = "not whole" if each.stored is None else f"last used {last_used_text(each.stored)}"
            click.echo(f"{each.name}  {format_size(each.size)}, {state}")
    if chosen and not dry_run and not yes:
        listed = ", ".join(each.name for each in chosen)
        confirm(f"Remove {listed}?", otherwise=f"{listed} would be removed", as_json=as_json)
    removed = tuple(_remove(each, home, is_dry_run=dry_run) for each in chosen)
    freed = sum(each.freed for each in removed)
    if as_json:
        data = Removed(dry_run=dry_run, environments=removed, freed=freed)
        envelope.write(["env", "remove"], data=data)
    elif dry_run:
        click.echo("Nothing was removed: --dry-run")
    else:
        is_shared = freed < _SHARED * sum(each.size for each in removed)
        stays = " (files shared with uv's cache stay there)" if is_shared else ""
        click.echo(f"Removed {', '.join(each.name for each in removed)}: {format_size(freed)} freed{stays}")
        for gone in removed:
            if gone.kernel is not None:
                click.echo(f"Removed the kernel {gone.kernel}")
            for note in gone.notes:
                click.echo(f"note: {note}", err=True)
        if uv_cache_dir(os.environ).is_dir():
            click.echo("uv's cache keeps packages for the next environment; to empty it: uv cache clean")


def _unused(home: Path, *, seconds: float) -> list[Removable]:
    before = time.time() - seconds
    return [
        Removable(name=each.name, size=each.record.size, stored=each)
        for each in list_environments(home)
        if not each.is_in_use and each.last_used < before
    ]


def _remove(chosen: Removable, home: Path, *, is_dry_run: bool) -> RemovedEnv:
    if is_dry_run:
        return RemovedEnv(name=chosen.name, size=chosen.size, freed=0)
    removal = remove_with_traces(home, chosen.name, say=lambda text: click.echo(text, err=True))
    return RemovedEnv(
        name=chosen.name,
        size=chosen.size,
        freed=removal.freed,
        kernel=None if removal.kernel is None else str(removal.kernel),
        notes=removal.notes,
    )
