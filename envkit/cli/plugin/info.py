"""``envkit plugin info NAME``: everything that is known of one plugin."""

from __future__ import annotations

import shutil
import sys
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from envkit.authoring.details import EntryDetails, PluginDetails
    from envkit.authoring.inspection import OptionLine


@click.command(name="info", short_help="Show everything of one plugin.")
@click.argument("name", metavar="NAME")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead.")
def command(name: str, as_json: bool) -> None:
    """Show everything of one plugin: where it is from, its hooks, and the options of its task.

    NAME is a distribution (envkit-ner), its short form (ner), or the name of its task. The plugin is loaded in a
    process of its own; one that is broken is shown with its traceback.
    """
    from envkit.authoring.details import read_details  # --help needs none of it

    details = read_details(name)
    if as_json:
        from envkit.cli import envelope

        envelope.write(["plugin", "info"], data=details)
        return
    _show(details)


def _show(details: PluginDetails) -> None:
    from envkit.cli import render

    render.print_pairs([(name, value) for name, value in _pairs(details) if value])
    for entry in details.entries:
        _show_entry(entry)


def _pairs(details: PluginDetails) -> list[tuple[str, str]]:
    where = f"{details.folder}{' (editable)' if details.is_editable else ''}"
    return [
        ("plugin", f"{details.plugin} {details.version}"),
        ("summary", details.summary),
        ("author", ", ".join(details.authors)),
        ("licence", details.licence),
        ("python", details.requires_python),
        ("lies in", where),
        ("from", details.origin),
        ("by", details.installer),
        *((label.lower(), address) for label, address in details.links),
        ("needs", ", ".join(details.requires)),
        *((f"extra {extra.name}", ", ".join(extra.requires)) for extra in details.extras),
    ]


def _show_entry(entry: EntryDetails) -> None:
    from envkit.cli import render
    from envkit.cli.exits import labelled

    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    state = (
        entry.state if entry.milliseconds is None else f"{entry.state}, loads in {entry.milliseconds:.0f} ms"
    )
    click.echo(f"\nThe {entry.kind} {entry.name} ({entry.module}): {state}")
    if entry.problem:
        click.echo(labelled("  problem: ", entry.problem, width=width))
        if entry.hint:
            click.echo(labelled("  hint: ", entry.hint, width=width))
    if entry.traceback:
        click.echo(entry.traceback.rstrip())
    for remark in entry.remarks:
        click.echo(f"  note: importing it {remark}")
    if entry.headline:
        click.echo(f"  scored by {entry.headline}")
    if entry.hooks:
        click.echo()
        rows = [(each.hook, each.function, f"{each.line or ''}") for each in entry.hooks]
        render.print_table(("HOOK", "FUNCTION", "LINE"), rows, indent="  ")
    if entry.options:
        click.echo()
        lines = [(each.flag, f"{each.help} {_note(each)}".strip()) for each in entry.options]
        render.print_table(("OPTION", "WHAT IT IS"), lines, indent="  ")


def _note(option: OptionLine) -> str:
    """Return default and bounds as help ends with them; empty for neither."""
    default = f"default: {option.default}" if option.default is not None else ""
    parts = [part for part in (default, option.bounds) if part]
    return f"[{'; '.join(parts)}]" if parts else ""
