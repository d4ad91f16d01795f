"""``envkit plugin``: the plugins that tasks come from, looked at, made, checked, installed."""

from __future__ import annotations

import click

from envkit.cli import LazyGroup

COMMANDS = {
    "list": ("plugin.list", "List the plugins, each tried."),
}


@click.group(cls=LazyGroup, table=COMMANDS, epilog="Start with: envkit plugin list")
def command() -> None:
    """Look at the plugins that tasks come from."""
