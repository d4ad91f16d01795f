"""``envkit plugin new``: a whole package for a task of one's own."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec

from envkit.api import UsageError
from envkit.cli import envelope

if TYPE_CHECKING:
    from envkit.authoring.skeleton import MadePlugin

# As the skeleton has their texts; written here so that --help reads none.
LICENCES = ("Apache-2.0", "MIT", "BSD-3-Clause")


class NewPlugin(msgspec.Struct, frozen=True, kw_only=True):
    """What ``--json`` prints: the names of what was made, its folder, and its files by their paths in it."""

    task: str
    plugin: str
    module: str
    folder: str
    files: list[str]
    origin: str | None = None


@click.command(name="new", short_help="Make the package of a task of your own.")
@click.argument("name", required=False)
@click.option("--from", "origin", metavar="TASK", help="Begin with a copy of the plugin of this task.")
@click.option(
    "--dir", "folder", type=click.Path(path_type=Path), help="Folder to make. Default: envkit-NAME."
)
@click.option("--summary", help="What the task is for, in one line.")
@click.option("--author", help="Who writes it. Default: the name that git knows.")
@click.option("--licence", "--license", type=click.Choice(LICENCES), help="Its licence. Default: Apache-2.0.")
@click.option("--python", help="Pythons that it runs on. Default: >=3.11.")
@click.option("--yes", "-y", is_flag=True, help="Ask nothing; what is not given has its default.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead; ask nothing.")
def command(
    name: str | None,
    origin: str | None,
    folder: Path | None,
    summary: str | None,
    author: str | None,
    licence: str | None,
    python: str | None,
    yes: bool,
    as_json: bool,
) -> None:
    """Make a package for the task NAME: options, reader, loop, scorer, sample data and tests.

    It works as it is, on a small task, to be changed into yours. In a terminal you are asked for what you do
    not give. With --from, the package is a copy of an installed plugin, under its new name.
    """
    is_asking = not (yes or as_json) and sys.stdin.isatty() and sys.stderr.isatty()
    if name is None and not is_asking:
        raise UsageError("the new task has no name", hint="As in: envkit plugin new my-task")
    if origin is not None and (licence or python):
        raise UsageError(
            f"--{'licence' if licence else 'python'} is that of {origin}, which is copied",
            hint="Leave it out; change it in pyproject.toml afterwards",
        )
    name = name or _ask("Name of the task, such as mood")
    made = (
        _make(
            name, folder, summary=summary, author=author, licence=licence, python=python, is_asking=is_asking
        )
        if origin is None
        else _eject(origin, name, folder, summary=summary, author=author)
    )
    if as_json:
        envelope.write(["plugin", "new"], data=_record(made, origin))
    else:
        click.echo(_describe(made, origin))


def _make(
    name: str,
    folder: Path | None,
    *,
    summary: str | None,
    author: str | None,
    licence: str | None,
    python: str | None,
    is_asking: bool,
) -> MadePlugin:
    from envkit.authoring.author import usual_author
    from envkit.authoring.skeleton import DEFAULT_PYTHON, check_place, make_plugin

    names = check_place(name, folder)  # before anything is asked in vain
    if summary is None:
        summary = _ask("What it is for, in one line (may be empty)", "") if is_asking else ""
    if author is None:
        author = usual_author()
        author = _ask("Author", author) if is_asking else author
    if licence is None:
        licence = _ask("Licence", LICENCES[0], choices=LICENCES) if is_asking else LICENCES[0]
    return make_plugin(
        name,
        folder or Path(names.distribution),
        summary=summary,
        author=author,
        licence=licence,
        python=python or DEFAULT_PYTHON,
    )


def _eject(
    origin: str, name: str, folder: Path | None, *, summary: str | None, author: str | None
) -> MadePlugin:
    from envkit.authoring.author import usual_author
    from envkit.authoring.eject import eject_plugin
    from envkit.authoring.skeleton import check_place

    names = check_place(name, folder)
    author = usual_author() if author is None else author
    return eject_plugin(origin, name, folder or Path(names.distribution), summary=summary, author=author)


def _ask(question: str, default: str | None = None, *, choices: tuple[str, ...] = ()) -> str:
    kind = click.Choice(choices) if choices else None
    answer: str = click.prompt(question, default=default, show_default=bool(default), type=kind, err=True)
    return answer


def _record(made: MadePlugin, origin: str | None) -> NewPlugin:
    return NewPlugin(
        task=made.names.task,
        plugin=made.names.distribution,
        module=made.names.module,
        folder=str(made.folder.absolute()),
        files=[str(file) for file in made.files],
        origin=origin,
    )


def _describe(made: MadePlugin, origin: str | None) -> str:
    of = "" if origin is None else f", a copy of {origin}"
    return "\n".join(
        (
            f"Made {made.names.distribution} in {made.folder}: {len(made.files)} files{of}",
            "",
            "To try it, and to see what it promises:",
            f"  cd {shlex.quote(str(made.folder))}",
            *(() if origin is None else ("  ruff format  # names of other lengths break lines elsewhere",)),
            "  pip install -e .",
            f"  envkit run {made.names.task}",
            "  envkit plugin check .",
        )
    )
