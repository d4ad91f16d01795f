"""``envkit config show``: every value, and where it is from."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

from envkit import config
from envkit.cli import envelope
from envkit.cli.config.part import part_of, task_of
from envkit.cli.streams import verdict
from envkit.config.overview import show_config
from envkit.config.shown import DEFAULT, ShownValue
from envkit.environments.mirrors import mirrors_elsewhere

if TYPE_CHECKING:
    from collections.abc import Sequence

    from envkit.config.shown import Overview


@click.command()
@click.argument("part", required=False)
@click.option("--sources", "with_sources", is_flag=True, help="Also the files asked, and values overridden.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead.")
def command(part: str | None, with_sources: bool, as_json: bool) -> None:
    """Show every value and where it is from: file and line, variable or default.

    PART is a task (ner) with all its options, mirrors, or one value (env, mirrors.torch-index, ner.epochs).
    Mirrors that envkit is not told of are those of pip, conda and the model hub's own variable. Ends with 2 where
    something in the configuration is wrong.
    """
    folder = Path.cwd()
    overview = show_config(config.read_layers(folder), task=task_of(part), folder=folder)
    overview = msgspec.structs.replace(
        overview, mirrors=mirrors_elsewhere(overview.mirrors, environ=os.environ)
    )
    overview = part_of(overview, part)
    with verdict(2 if overview.problems else 0):
        if as_json:
            envelope.write(["config", "show"], data=overview)
        else:
            _print(overview, with_sources=with_sources)


def _print(overview: Overview, *, with_sources: bool) -> None:
    from envkit.cli import render

    if with_sources:
        rows = [
            (_short(file.path), file.scope, "" if file.is_there else "not there") for file in overview.files
        ]
        render.print_table(("FILE, THE LAST WINS", "OF", ""), rows)
        click.echo()
    tables: list[tuple[str, Sequence[ShownValue]]] = [
        ("SETTING", overview.settings),
        ("MIRROR", overview.mirrors),
        ("PREFERRED PLUGIN OF", overview.plugins),
        *(
            (f"TASK {each.task}" + ("" if each.plugin else " (not installed)"), each.values)
            for each in overview.tasks
        ),
    ]
    printed = [(title, _rows(values, with_sources)) for title, values in tables if values]
    for number, (title, lines) in enumerate(printed):
        if number:
            click.echo()
        render.print_table((title, "VALUE", "FROM"), lines)
    for problem in overview.problems:
        click.echo(f"\nwrong: {problem.message}")
        if problem.hint:
            click.echo(f"hint: {problem.hint}")
    if not with_sources and any(value.overridden for _, values in tables for value in values):
        click.echo("\nSome values are overridden: envkit config show --sources")


def _rows(values: Sequence[ShownValue], with_sources: bool) -> list[tuple[str, str, str]]:
    rows = []
    for value in values:
        name = value.key.rpartition(".")[2]
        note = f", set aside by {value.set_aside}" if value.set_aside else ""
        rows.append((name, _text(value.value), _place(value.source, value.line) + note))
        if with_sources:
            rows += [
                ("", _text(each.value), f"{_place(each.source, each.line)}, overridden")
                for each in value.overridden
            ]
    return rows


def _text(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "-"
    if isinstance(value, bool):
        return str(value).lower()
    return "-" if value is None else str(value)


def _place(source: str, line: int | None) -> str:
    if source == DEFAULT or line is None:
        return source
    return f"{_short(source)}:{line}"


def _short(path: str) -> str:
    """Return a path as it can be typed from here."""
    from envkit.cli.render import path_text

    short = path_text(Path(path))
    home = f"{Path.home()}{os.sep}"
    return f"~/{short.removeprefix(home)}" if short.startswith(home) else short
