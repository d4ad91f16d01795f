"""``envkit config unset``: one value out of a file."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from envkit.cli.config.scope import change_options, editor, tell

if TYPE_CHECKING:
    from envkit.config.edit import Scope


@click.command()
@click.argument("key")
@change_options
def command(key: str, scope: Scope, is_dry_run: bool, as_json: bool) -> None:
    """Take KEY out of a file, a misspelt one too: what is weaker counts again."""
    change = editor(scope).unset_value(key, is_dry_run=is_dry_run)
    tell(change, command="unset", is_dry_run=is_dry_run, as_json=as_json)
