"""``envkit config set``: one value into a file."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from envkit.cli.config.scope import change_options, editor, tell
from envkit.config.keys import find_key

if TYPE_CHECKING:
    from envkit.config.edit import Scope


@click.command()
@click.argument("key")
@click.argument("value")
@change_options
def command(key: str, value: str, scope: Scope, is_dry_run: bool, as_json: bool) -> None:
    """Write VALUE under KEY into a file: comments and layout stay.

    KEY is a setting (env), mirrors.NAME (mirrors.torch-index) or TASK.OPTION (ner.epochs). The value is
    checked first; several are written with commas.
    """
    from envkit.cli.config.known import check_known  # --help needs none of it

    check_known(find_key(key), value)
    change = editor(scope).set_value(key, value, is_dry_run=is_dry_run)
    tell(change, command="set", is_dry_run=is_dry_run, as_json=as_json)
