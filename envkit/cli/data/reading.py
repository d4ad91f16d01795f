"""The options by which `envkit data split` and `convert` are told how a file is to be read."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, get_args

import click

from envkit.api.data_options import Format

if TYPE_CHECKING:
    from collections.abc import Callable

CommandT = TypeVar("CommandT", bound="Callable[..., Any]")

file_argument = click.argument("file", type=click.Path(path_type=Path, allow_dash=True))


def reading_options(command: CommandT) -> CommandT:
    """Add the options that are the fields of ``envkit.data.cut.units.Reading``."""
    for add in reversed(_OPTIONS):
        command = add(command)
    return command


_OPTIONS = (
    click.option("--task", metavar="TASK", help="Task that the file is for. [default: told by its content]"),
    click.option(
        "--format",
        type=click.Choice(get_args(Format)),
        metavar="FORMAT",
        default="auto",
        help="Format of the file. [default: told by its content]",
    ),
    click.option("--encoding", metavar="NAME", help="Encoding, such as latin-1. [default: UTF-8]"),
    click.option("--text-column", metavar="NAME", help="Column of the text: a name, or a number from 1."),
    click.option("--label-column", metavar="NAME", help="Column of the label: a name, or a number from 1."),
)
