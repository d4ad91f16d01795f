"""Turn whatever ended a command into its last words and its exit code."""

from __future__ import annotations

import os
import sys
import traceback
from typing import TYPE_CHECKING

import click

from envkit.api import EnvkitError, PluginError
from envkit.cli import envelope

if TYPE_CHECKING:
    from collections.abc import Sequence

_BUG = 1
_USAGE = 2
_CANCELLED = 130


def end_with(error: BaseException, *, as_json: bool, command: Sequence[str]) -> int:
    """Say why the command ends, on stderr, or as the envelope on stdout, and return the exit code."""
    if isinstance(error, click.exceptions.Exit):
        return error.exit_code
    if isinstance(error, SystemExit):
        return error.code if isinstance(error.code, int) else _BUG
    if isinstance(error, BrokenPipeError):
        # The reader of our output left (`| head`): nothing to say, and no second error at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    message, hint, code = explain(error)
    if as_json:
        envelope.write(list(command), data=None, error={"message": message, "hint": hint, "exit_code": code})
        return code
    click.echo(f"error: {message}", err=True)
    if hint:
        click.echo(f"hint: {hint}", err=True)
    if os.environ.get("ENVKIT_TRACEBACK") and error.__traceback__ is not None:
        click.echo("".join(traceback.format_exception(error)), err=True)
    return code


def explain(error: BaseException) -> tuple[str, str | None, int]:
    """Return message, hint and exit code. An error that is a bug of envkit prints its traceback here."""
    if isinstance(error, EnvkitError):
        hint = error.hint
        if isinstance(error, PluginError) and error.__cause__ is not None:
            hint = f"{hint or ''} Traceback: ENVKIT_TRACEBACK=1 before the command.".strip()
        return error.message, hint, error.exit_code
    if isinstance(error, click.UsageError):
        where = error.ctx.command_path if error.ctx else "envkit"
        return error.format_message(), f"{where} --help", _USAGE
    if isinstance(error, click.ClickException):
        return error.format_message(), None, error.exit_code
    if isinstance(error, (KeyboardInterrupt, click.Abort)):
        return "stopped", None, _CANCELLED
    if isinstance(error, OSError) and error.filename is not None and error.strerror:
        # Permissions and full disks reach every command; the system's own words name the file.
        return f"{error.filename}: {error.strerror}", None, _BUG
    traceback.print_exception(error)
    return (
        f"this is a bug in envkit: {type(error).__name__}: {error}",
        "Please report it with the lines above",
        _BUG,
    )
