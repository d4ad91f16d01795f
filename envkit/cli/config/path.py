"""``envkit config path``: the files that count here."""

from __future__ import annotations

from pathlib import Path

import click

from envkit import config
from envkit.cli import envelope
from envkit.cli.config.scope import chosen_scope, editor


@click.command()
@click.option("--user", "is_user", is_flag=True, help="Print the user's file alone.")
@click.option("--project", "is_project", is_flag=True, help="Print the project's file alone.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead.")
def command(is_user: bool, is_project: bool, as_json: bool) -> None:
    """Show which files count here, the last of them most.

    With --user or --project, the one that config set would write to, there or not.
    """
    from envkit.config.overview import config_files

    folder = Path.cwd()
    if (scope := chosen_scope(is_user, is_project)) is not None:
        files = [str(editor(scope).file)]
        if as_json:
            envelope.write(["config", "path"], data=files)
        else:
            click.echo(files[0])
        return
    found = config_files(config.read_layers(folder), folder=folder)
    if as_json:
        envelope.write(["config", "path"], data=found)
        return
    for file in found:
        click.echo(f"{file.path}" + ("" if file.is_there else " (not there)"))
