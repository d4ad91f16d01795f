"""``envkit image``: images that envkit built, listed, shown, checked and removed."""

from __future__ import annotations

import click

from envkit.cli import LazyGroup

COMMANDS = {
    "list": ("image.list", "List the images that envkit built."),
    "show": ("image.show", "Show one: what is in it, and how large its layers are."),
    "check": ("image.check", "Check one: packages, user, secrets, open files."),
    "remove": ("image.remove", "Remove images."),
}


@click.group(cls=LazyGroup, table=COMMANDS, epilog="Start with: envkit image list")
def command() -> None:
    """Look at the images that envkit built, check them, and remove them.

    They are made by envkit build. What is asked is the engine that the docker command would use, or DOCKER_HOST.
    """
