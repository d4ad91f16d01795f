"""``envkit env``: the environments that envkit has made."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import click
import msgspec

from envkit import config
from envkit.cli import envelope
from envkit.environments.records import EnvRecord
from envkit.environments.store import envs_dir, list_environments


class EnvLine(msgspec.Struct, frozen=True, kw_only=True):
    """An environment as ``--json`` gives it; ``last_used`` is in seconds since the epoch."""

    name: str
    folder: str
    last_used: float
    is_in_use: bool
    record: EnvRecord


@click.group()
def command() -> None:
    """Look at the environments that tasks run in."""


@command.command(name="list", short_help="List the environments.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead.")
def list_command(as_json: bool) -> None:
    """List the environments, with what is in them and when they were last used."""
    home = config.resolve_settings(config.read_layers(Path.cwd())).home
    found = list_environments(home)
    if as_json:
        lines = [
            EnvLine(
                name=each.name,
                folder=str(each.prefix),
                last_used=each.last_used,
                is_in_use=each.is_in_use,
                record=each.record,
            )
            for each in found
        ]
        envelope.write(["env", "list"], data=lines)
        return
    if not found:
        click.echo(f"No environment in {envs_dir(home)}. A run makes one: envkit run ner")
        return
    from envkit.cli import render

    rows = []
    for each in found:
        used = "in use" if each.is_in_use else f"{datetime.fromtimestamp(each.last_used):%Y-%m-%d %H:%M}"
        torch = each.record.torch.version if each.record.torch else "none"
        rows.append((each.name, each.record.python, torch, render.size_text(each.record.size), used))
    render.print_table(("ENVIRONMENT", "PYTHON", "TORCH", "SIZE", "LAST USED"), rows)
    click.echo(f"\nin {envs_dir(home)}")
