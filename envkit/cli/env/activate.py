"""``envkit env activate``: the line that activates an environment in the shell that it was typed into."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec

from envkit.api import UsageError
from envkit.cli import envelope

if TYPE_CHECKING:
    from envkit.config import Settings


class Activation(msgspec.Struct, frozen=True, kw_only=True):
    """What ``--json`` says: ``script`` is all that the shell has to read, ``line`` what to paste."""

    name: str
    folder: str
    shell: str
    line: str
    script: str


@click.command(epilog='Example: eval "$(envkit env activate NAME)"')
@click.argument("name")
@click.option(
    "--shell", metavar="SHELL", help="bash, zsh, fish, csh, powershell, … [default: the one in use]"
)
@click.option(
    "--script", "is_script", is_flag=True, help="Print the whole script that the shell has to read."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead.")
def command(name: str, shell: str | None, is_script: bool, as_json: bool) -> None:
    """Print the line that activates the environment NAME in this shell; deactivate takes it back.

    The line stays good when the environment is changed.
    """
    from envkit import config  # --help needs none of it
    from envkit.environments.activation import backend_of, find_working
    from envkit.environments.activation_line import activation_line, evaluation_line
    from envkit.environments.shell_in_use import find_shell

    settings = config.resolve_settings(config.read_layers(Path.cwd()))
    stored = find_working(settings.home.absolute(), name)
    chosen = shell or find_shell()
    if chosen is None:
        raise UsageError("it cannot be seen which shell this is", hint="Say which: --shell bash")
    script = backend_of(stored.record.backend).activation_script(stored.link, shell=chosen)
    asking = (*_program(settings), "env", "activate", name, "--shell", chosen, "--script")
    line = activation_line(script, shell=chosen, print_script=asking)
    if as_json:
        data = Activation(name=name, folder=str(stored.link), shell=chosen, line=line, script=script)
        envelope.write(["env", "activate"], data=data)
        return
    click.echo(script if is_script else line, nl=not is_script)
    if sys.stdout.isatty() and not is_script:
        evaluated = evaluation_line(f"envkit env activate {name}", shell=chosen)
        click.echo(f"Paste that line into {chosen}, or let it be read: {evaluated}", err=True)


def _program(settings: Settings) -> tuple[str, ...]:
    """Return the words that call this envkit from anywhere, with this home."""
    from envkit.config.settings import default_home

    name, typed = "envkit", shutil.which(sys.argv[0])
    if typed is not None and typed == shutil.which(name):
        program: tuple[str, ...] = (name,)
    elif typed is not None and Path(typed).name == name:
        program = (str(Path(typed).absolute()),)
    else:
        program = (sys.executable, "-m", name)
    if settings.home == default_home() and not os.environ.get("ENVKIT_HOME"):
        return program
    return ("env", f"ENVKIT_HOME={settings.home.absolute()}", *program)
