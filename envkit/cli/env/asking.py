"""Ask before anything is destroyed."""

from __future__ import annotations

import sys

import click

from envkit.api import UsageError


def confirm(question: str, *, otherwise: str, as_json: bool) -> None:
    """Ask on the terminal, and go on if the answer is yes; else the command ends with 1.

    Raises: UsageError, which begins with ``otherwise``, where nobody can be asked.
    """
    if as_json or not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise UsageError(f"{otherwise}, and nobody can be asked here", hint="Do it without asking: --yes")
    if not click.confirm(question, err=True):
        click.echo("Nothing was changed")
        raise click.exceptions.Exit(1)
