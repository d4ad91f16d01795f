"""``envkit config``: what envkit is told, by whom, and how to tell it otherwise."""

from __future__ import annotations

import click

from envkit.cli import LazyGroup

COMMANDS = {
    "show": ("config.show", "Show every value and where it is from."),
    "set": ("config.set", "Write a value into a file, checked."),
    "unset": ("config.unset", "Take a value out of a file."),
    "path": ("config.path", "Show which files count here."),
}


@click.group(cls=LazyGroup, table=COMMANDS, epilog="Start with: envkit config show --sources")
def command() -> None:
    """Show and change what envkit is told.

    The later wins: defaults, the user's file, [tool.envkit] in pyproject.toml, envkit.toml, variables
    (ENVKIT_NER_EPOCHS=5), flags.
    """
