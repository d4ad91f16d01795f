"""``envkit env shell``: the user's own shell, with an environment activated in it."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from pathlib import Path

import click

from envkit.api import EnvError, UsageError

_LAST_RESORT = "/bin/sh"


@click.command()
@click.argument("name")
def command(name: str) -> None:
    """Open a shell in the environment NAME: the one that SHELL names, with all of its own settings.

    Nobody removes the environment while the shell is open; exit leaves it.
    """
    from envkit import config  # --help needs none of it
    from envkit.environments.activation import find_working
    from envkit.environments.programs import NoStart, become, find_program, has_pip
    from envkit.environments.shell_start import SHELL_VARIABLE, prepare_shell
    from envkit.environments.store import hold_environment
    from envkit.mirrors import hub_environ

    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UsageError(
            "a shell needs a terminal, and this is none",
            hint=f"To run a program in the environment: envkit env run {name} -- PROGRAM",
        )
    settings = config.resolve_settings(config.read_layers(Path.cwd()))
    stored = find_working(settings.home.absolute(), name)
    link = stored.link
    _tell_of_outer(os.environ.get(SHELL_VARIABLE), link)
    # By its link, so that a change of the environment is seen in the shell; what runs there keeps its own.
    environment = replace(hold_environment(stored), prefix=link)
    variables = hub_environ(settings.model_hub)
    program = find_program(_own_shell(), environment=environment, environ=variables)
    start = prepare_shell(program, environment, environ=variables)
    held = () if environment.hold is None else (environment.hold.fileno(),)
    if not has_pip(environment):
        click.echo(f"No pip is in here. To add a package: envkit env sync {name} --with PACKAGE", err=True)
    try:
        become(program, start.words, environ=start.environ, inherited=held)
    except NoStart:
        start.remove_files()
        raise


def _own_shell() -> str:
    """Return the user's shell: as SHELL says, else as the system has it on record."""
    import pwd

    if named := os.environ.get("SHELL"):
        return named
    try:
        return pwd.getpwuid(os.getuid()).pw_shell or _LAST_RESORT
    except KeyError:  # a container may run under a number that has no name
        return _LAST_RESORT


def _tell_of_outer(outer: str | None, link: Path) -> None:
    """Say that there is a shell around this one. Raises: EnvError where that is in the same environment."""
    if outer is None:
        return
    if Path(outer) == link:
        raise EnvError(f"this shell is in the environment {link.name} already", hint="exit leaves it")
    click.echo(f"This opens within the shell of {Path(outer).name}, to which exit leads back", err=True)
