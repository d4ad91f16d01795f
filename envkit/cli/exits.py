"""Turn whatever ended a command into its last words and its exit code."""

from __future__ import annotations

import contextlib
import itertools
import os
import re
import shutil
import sys
import textwrap
import traceback
from dataclasses import asdict
from types import NoneType
from typing import TYPE_CHECKING, Any

import click

from envkit.api import EnvkitError, PluginError, RunFailed
from envkit.cli import envelope
from envkit.cli.printable import printable_lines
from envkit.cli.streams import end_without_output, is_output_lost

if TYPE_CHECKING:
    from collections.abc import Sequence

_BUG = 1
_USAGE = 2
CANCELLED = 130
# From where it begins to the end of the line.
_COMMAND = re.compile(
    r"(?:^|(?<=: ))(?:(?:envkit|pipx?|pixi|uvx?|python|conda|poetry|chmod|docker) |\S*/python[\d.]* -m ).*"
)


def end_with(error: BaseException, *, as_json: bool, words: Sequence[str]) -> int:
    """Say why the command ends, on stderr, or as the envelope on stdout, and return the exit code.

    Where standard output cannot be written, an envelope is said in words.
    """
    try:
        code = _say_end(error, as_json=as_json, words=words)
        sys.stdout.flush()
    except OSError as lost:
        if not is_output_lost(lost):
            raise
        code = end_without_output(lost)
        if error is not lost and not isinstance(error, click.exceptions.NoArgsIsHelpError):
            code = _say_end(error, as_json=False, words=words) or code
    return code


def _say_end(error: BaseException, *, as_json: bool, words: Sequence[str]) -> int:
    if isinstance(error, click.exceptions.Exit):
        return error.exit_code
    if isinstance(error, SystemExit):
        return error.code if isinstance(error.code, int) else _BUG
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        click.echo(error.format_message())
        return 0
    if isinstance(error, OSError) and is_output_lost(error):
        return end_without_output(error)
    message, hint, code = explain(error, words)
    cause = error.likely_cause if isinstance(error, RunFailed) else None
    if as_json:
        told: dict[str, Any] = {"message": message, "hint": hint, "exit_code": code}
        if cause is not None:
            told["likely_cause"] = asdict(cause)
        if isinstance(error, PluginError) and error.plugin:
            told["plugin"] = {
                "name": error.plugin,
                "version": error.version,
                "tracker": error.tracker,
                "state": error.state,
            }
        envelope.write(_command_words(words), data=None, error=told)
        return code
    with contextlib.suppress(OSError):  # a terminal that has gone reads nothing; the code still tells
        width = shutil.get_terminal_size().columns if sys.stderr.isatty() else None
        click.echo(labelled("error: ", printable_lines(message), width=width), err=True)
        if hint:
            click.echo(labelled("hint: ", printable_lines(hint), width=width), err=True)
        if cause is not None:
            click.echo(labelled("likely cause: ", cause.title, width=width), err=True)
            for text in cause.fix:
                click.echo(labelled("fix: ", text, width=width), err=True)
        if os.environ.get("ENVKIT_TRACEBACK") and error.__traceback__ is not None:
            click.echo("".join(traceback.format_exception(error)), err=True)
    return code


def labelled(label: str, text: str, *, width: int | None) -> str:
    """Return a text behind its label, wrapped at words to ``width`` columns; None wraps nothing.

    Further lines stand under the first, those with an indent of their own behind that. A command stays in one
    piece, on a line of its own if need be, so that it can be copied.
    """
    first, *others = text.split("\n")
    under = " " * len(label)
    if width is None:
        return "\n".join(
            [label + first, *(line if line[:1] in ("", " ") else under + line for line in others)]
        )
    rows = _wrapped(first, width, before=label, indent=under)
    for line in others:
        indent = line[: len(line) - len(line.lstrip())] or under
        rows += _wrapped(line.lstrip(), width, before=indent, indent=indent + "  ")
    return "\n".join(rows)


def _wrapped(line: str, width: int, *, before: str, indent: str) -> list[str]:
    if len(before) + len(line) <= width:
        return [before + line]
    found = _COMMAND.search(line)
    words = line[: found.start()] if found else line
    rows = textwrap.wrap(
        words,
        width,
        initial_indent=before,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )
    if found is None:
        return rows or [before]
    command = line[found.start() :]
    return [*rows, indent + command] if rows else [before + command]


def explain(error: BaseException, words: Sequence[str]) -> tuple[str, str | None, int]:
    """Return message, hint and exit code. An error that is a bug of envkit prints its traceback here."""
    if isinstance(error, EnvkitError):
        hint = error.hint
        # Of an author's code: where envkit itself refuses something, there is nothing to be seen in it.
        if isinstance(error, PluginError) and not isinstance(error.__cause__, (EnvkitError, NoneType)):
            hint = "\n".join(filter(None, (hint, "Traceback: ENVKIT_TRACEBACK=1 before the command")))
        return error.message, hint, error.exit_code
    if isinstance(error, click.UsageError):
        return error.format_message(), _help_for(error, words), _USAGE
    if isinstance(error, click.ClickException):
        return error.format_message(), None, error.exit_code
    if isinstance(error, (KeyboardInterrupt, click.Abort)):
        return "stopped", None, CANCELLED
    if isinstance(error, FileNotFoundError) and error.filename is None and not _has_folder():
        return "the folder that this shell is in was removed", "Change into one that is there: cd", _USAGE
    if isinstance(error, OSError) and error.filename is not None and error.strerror:
        # Permissions and full disks reach every command; the system's own words name the file.
        return f"{error.filename}: {error.strerror}", None, _BUG
    traceback.print_exception(error)
    return (
        f"this is a bug in envkit: {type(error).__name__}: {error}",
        "Please report it with the lines above",
        _BUG,
    )


def _command_words(words: Sequence[str]) -> list[str]:
    """Return the words that name the command, without what it was given: ``build``, ``env create``, ``run ner``."""
    from envkit.cli import command

    named = list(itertools.takewhile(lambda word: not word.startswith("-"), words))[:2]
    is_group = named and isinstance(command.get_command(click.Context(command), named[0]), click.Group)
    return named if is_group else named[:1]


def _has_folder() -> bool:
    try:
        os.getcwd()  # noqa: PTH109  # the system call alone
    except OSError:
        return False
    return True


def _help_for(error: click.UsageError, words: Sequence[str]) -> str:
    if isinstance(error, click.NoSuchOption) and error.ctx and error.ctx.command_path == "envkit run":
        return f"A task's options stand after its name: envkit run TASK {error.option_name}"
    if error.ctx is not None:
        return f"{error.ctx.command_path} --help"
    commands = list(itertools.takewhile(lambda word: not word.startswith("-"), words))[:2]
    return " ".join(["envkit", *commands, "--help"])
