"""``envkit env``: environments, made on purpose, looked at, entered, shared and removed."""

from __future__ import annotations

import click

from envkit.cli import LazyGroup

COMMANDS = {
    "create": ("env.create", "Make an environment and prove that it works."),
    "sync": ("env.sync", "Bring an environment up to date, or add to it."),
    "list": ("env.list", "List the environments."),
    "show": ("env.show", "Show one: what is in it, why, and who used it."),
    "run": ("env.run", "Run a program in an environment."),
    "shell": ("env.shell", "Open a shell in an environment."),
    "activate": ("env.activate", "Print the line that activates one in this shell."),
    "kernel": ("env.kernel", "Make an environment a Jupyter kernel."),
    "export": ("env.export", "Write an environment down for other tools."),
    "remove": ("env.remove", "Remove environments."),
}


@click.group(cls=LazyGroup, table=COMMANDS, epilog="Start with: envkit env create NAME --task ner")
def command() -> None:
    """Make, look at, share and remove the environments that tasks run in.

    A change is made beside the old environment and takes its place once it is proved to work.
    """
