"""``envkit plugin``: the plugins that tasks come from, looked at, made, checked, installed."""

from __future__ import annotations

import click

from envkit.cli import LazyGroup

COMMANDS = {
    "new": ("plugin.new", "Make the package of a task of your own."),
    "check": ("plugin.check", "Check a plugin: package, code, and what its task promises."),
    "list": ("plugin.list", "List the plugins, each tried."),
    "info": ("plugin.info", "Show everything of one plugin."),
    "install": ("plugin.install", "Install plugins beside envkit."),
    "remove": ("plugin.remove", "Remove plugins."),
}


@click.group(cls=LazyGroup, table=COMMANDS, epilog="Start with: envkit plugin list")
def command() -> None:
    """Make, check, list and install the plugins that tasks come from."""
