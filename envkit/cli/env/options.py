"""What ``env create`` and ``env sync`` can be asked for: the same options, read into one record."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import click

if TYPE_CHECKING:
    from collections.abc import Callable

_Command = TypeVar("_Command", bound="Callable[..., Any]")


@dataclass(frozen=True, kw_only=True)
class Asked:
    """The words of one command line; None and empty stand for what was not said."""

    backend: str | None = None
    tasks: tuple[str, ...] = ()
    python: str | None = None
    torch: str | None = None
    torch_from: Literal["wheels", "conda"] | None = None
    packages: tuple[str, ...] = ()
    files: tuple[Path, ...] = ()
    channels: tuple[str, ...] = ()


_WISHES = (
    click.option("--backend", metavar="NAME", help="What makes it: venv, conda or an extension's."),
    click.option("--task", "tasks", multiple=True, metavar="TASK", help="All that a task needs; repeatable."),
    click.option("--python", metavar="VERSION", help="3.12, 3.12.4 or '>=3.11,<3.13'."),
    click.option(
        "--torch", metavar="BUILD", help="auto, cpu, cu126, 2.8.0 or '>=2.7'. [default: what the tasks need]"
    ),
    click.option(
        "--torch-from",
        type=click.Choice(["wheels", "conda"]),
        help="Where torch comes from. [default: wheels]",
    ),
    click.option(
        "--with",
        "packages",
        multiple=True,
        metavar="PACKAGE",
        help="As pip reads it, from its indexes; repeatable.",
    ),
    click.option(
        "--file",
        "files",
        multiple=True,
        metavar="FILE",
        type=click.Path(path_type=Path),
        help="environment.yml, requirements.txt, pyproject.toml, pyproject.toml[EXTRA] or pylock.toml; "
        "repeatable. The first is for conda packages.",
    ),
    click.option(
        "--channel", "channels", multiple=True, metavar="CHANNEL", help="Of conda packages; repeatable."
    ),
)
_FOR = (
    click.option(
        "--for",
        "facts_file",
        type=click.Path(path_type=Path),
        metavar="FACTS",
        help="For the machine of this file, written there by: envkit facts > FACTS",
    ),
)
_LOCKED = click.option(
    "--locked",
    "lock_file",
    is_flag=False,
    flag_value="envkit.lock",
    type=click.Path(path_type=Path),
    metavar="[FILE]",
    help="Exactly what is in a lock, hashes checked. [default file: envkit.lock]",
)
_WAYS = (
    click.option("--dry-run", is_flag=True, help="Only say what would be done."),
    click.option("--yes", is_flag=True, help="Do not ask, where there is something to ask."),
    click.option("--json", "as_json", is_flag=True, help="Print JSON instead."),
)


def content_options(command: _Command) -> _Command:
    """Add what an environment is asked to have in it."""
    return _added(command, _WISHES)


def wish_options(command: _Command) -> _Command:
    """Add what an environment is asked to have, for which machine, and from which lock."""
    return _added(command, (*_WISHES, *_FOR, _LOCKED))


def way_options(command: _Command) -> _Command:
    """Add ``--dry-run``, ``--yes`` and ``--json``."""
    return _added(command, _WAYS)


def _added(command: _Command, options: tuple[Callable[[_Command], _Command], ...]) -> _Command:
    for option in reversed(options):
        command = option(command)
    return command
