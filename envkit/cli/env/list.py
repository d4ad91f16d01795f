"""``envkit env list``: the environments that there are."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import click
import msgspec

from envkit import config
from envkit.cli import envelope
from envkit.environments.records import EnvRecord, StoredEnvironment
from envkit.environments.requirements import minor_version
from envkit.environments.store import envs_dir, list_environments


class EnvLine(msgspec.Struct, frozen=True, kw_only=True):
    """An environment as ``--json`` gives it; ``last_used`` is in seconds since the epoch.

    ``folder`` is the name under which it is found, ``prefix`` where it really lies.
    """

    name: str
    folder: str
    prefix: str
    last_used: float
    is_in_use: bool
    record: EnvRecord


@click.command(name="list", short_help="List the environments.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead.")
def command(as_json: bool) -> None:
    """List the environments, with what is in them and when they were last used."""
    home = config.resolve_settings(config.read_layers(Path.cwd())).home
    found = list_environments(home)
    if as_json:
        envelope.write(["env", "list"], data=[_line(each) for each in found])
        return
    if not found:
        click.echo(f"No environment in {envs_dir(home)}\nTo make one: envkit env create NAME --task ner")
        return
    from envkit.cli import render

    rows = [_row(each, render.size_text(each.record.size), now=datetime.now()) for each in found]
    render.print_table(("ENVIRONMENT", "KIND", "PYTHON", "TORCH", "TASKS", "SIZE", "USED"), rows)
    click.echo(f"\nin {envs_dir(home)}")


def last_used_text(stored: StoredEnvironment) -> str:
    """Return when an environment was last used, to the minute."""
    return "in use" if stored.is_in_use else f"{datetime.fromtimestamp(stored.last_used):%Y-%m-%d %H:%M}"


def short_time(moment: datetime, *, now: datetime) -> str:
    """Return a time in the past in at most ten letters: ``14:05`` today, ``Nov 21`` this year."""
    if moment.date() == now.date():
        return f"{moment:%H:%M}"
    return f"{moment:%b} {moment.day}" if moment.year == now.year else f"{moment:%Y-%m-%d}"


def _row(stored: StoredEnvironment, size: str, *, now: datetime) -> tuple[str, ...]:
    record = stored.record
    torch = record.torch.version if record.torch else "-"
    tasks = ",".join(record.spec.tasks) or "-"
    used = "in use" if stored.is_in_use else short_time(datetime.fromtimestamp(stored.last_used), now=now)
    return stored.name, record.backend, minor_version(record.python), torch, tasks, size, used


def _line(stored: StoredEnvironment) -> EnvLine:
    return EnvLine(
        name=stored.name,
        folder=str(stored.link),
        prefix=str(stored.prefix),
        last_used=stored.last_used,
        is_in_use=stored.is_in_use,
        record=stored.record,
    )
