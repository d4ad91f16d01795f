"""What the commands that change the configuration share: whose file, and how a change is told."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

from envkit.cli import envelope
from envkit.config.edit import Change, Editor, Scope

if TYPE_CHECKING:
    from collections.abc import Callable


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """A change as ``--json`` gives it; ``is_written`` is False in a dry run."""

    change: Change
    is_written: bool


def change_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of a command that changes a file; the two that name it become ``scope``."""

    @functools.wraps(function)
    def command(*, is_user: bool, is_project: bool, **given: Any) -> Any:
        return function(scope=chosen_scope(is_user, is_project) or "user", **given)

    for option in (
        click.option("--json", "as_json", is_flag=True, help="Print JSON instead."),
        click.option(
            "--dry-run", "is_dry_run", is_flag=True, help="Show what would change, and write nothing."
        ),
        click.option("--project", "is_project", is_flag=True, help="In the project's file."),
        click.option("--user", "is_user", is_flag=True, help="In the user's file (default)."),
    ):
        option(command)
    return command


def chosen_scope(is_user: bool, is_project: bool) -> Scope | None:
    """Return whose file is meant, None where neither is said. Raises: click.UsageError where both are."""
    if is_user and is_project:
        raise click.UsageError("--user and --project name two files: give one of them")
    return "project" if is_project else "user" if is_user else None


def editor(scope: Scope) -> Editor:
    """Return what changes the file of this scope, as seen from the working folder."""
    return Editor(folder=Path.cwd(), scope=scope)


def tell(change: Change, *, command: str, is_dry_run: bool, as_json: bool) -> None:
    """Say what was changed, or would be, and what counts instead of it."""
    if as_json:
        told = Told(change=change, is_written=bool(change.diff) and not is_dry_run)
        envelope.write(["config", command], data=told)
        return
    if not change.diff:
        click.echo(f"{change.file} says so already")
    elif is_dry_run:
        click.echo(change.diff)
    elif change.after is None:
        click.echo(f"{change.key} is no longer in {change.file}")
    else:
        click.echo(f"{change.key} = {_text(change.after)} in {change.file}")
    if change.stronger is not None:
        click.echo(f"warning: {change.stronger} says it too, and counts instead", err=True)


def _text(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
