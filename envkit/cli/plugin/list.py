"""``envkit plugin list``: which plugins are here, what they give, and which of them can be used."""

from __future__ import annotations

import shutil
import sys
from typing import TYPE_CHECKING

import click

from envkit.cli import envelope

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from envkit.authoring.installed import InstalledEntry

_PREFIX = "envkit_"
_SLOW_MS = 200.0  # every command that names the task would take so much longer


@click.command(name="list", short_help="List the plugins, each tried.")
@click.option("-v", "--verbose", is_flag=True, help="Hooks, what imports do besides, and tracebacks.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead.")
def command(verbose: bool, as_json: bool) -> None:
    """List the plugins, each tried in a process beside envkit: a bad one harms nothing.

    They share that process. One that fails there is tried again in one of its own, and where it works alone the one
    that breaks it is named.

    STATE is ok, or why one cannot be used: disabled (by you), blocked (your configuration gives its name to
    another), conflict (another claims its name), broken, or incompatible (made for another envkit, Python or
    package). LOAD is how long it takes to import.
    """
    from envkit.authoring.installed import read_installed  # --help needs none of it

    found = read_installed()
    if as_json:
        envelope.write(["plugin", "list"], data=found)
        return
    if not found:
        click.echo("No plugin is installed. To get one: envkit plugin install ner")
        return
    from envkit.cli import render

    rows = [_row(each) for each in found]
    render.print_table(("NAME", "PLUGIN", "VERSION", "KIND", "STATE", "LOAD"), rows)
    if verbose:
        click.echo()
        hooks = [(each.name, " ".join(hook.removeprefix(_PREFIX) for hook in each.hooks)) for each in found]
        render.print_table(("NAME", "HOOKS (each begins with envkit_)"), hooks)
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    for line in _troubles(found, is_verbose=verbose, width=width):
        click.echo(line)


def _row(each: InstalledEntry) -> tuple[str, ...]:
    load = "-" if each.milliseconds is None else f"{each.milliseconds:.0f} ms"
    return each.name, each.plugin, each.version, ", ".join(each.gives), each.state, load


def _troubles(found: Sequence[InstalledEntry], *, is_verbose: bool, width: int | None) -> Iterator[str]:
    """Yield what is wrong, plugin by plugin; what several share, as a conflict, is said once."""
    from envkit.cli.exits import labelled

    said: set[str] = set()
    has_hidden = False
    for each in found:
        if is_verbose:
            for remark in each.remarks:
                yield "\n" + labelled(f"{each.plugin}: ", _remark_text(each, remark), width=width)
        if each.heavy or (each.milliseconds or 0) > _SLOW_MS:
            yield "\n" + labelled(f"{each.plugin}: ", _slow_text(each), width=width)
        if each.problem is None or each.problem in said:
            continue
        said.add(each.problem)
        yield "\n" + labelled(f"{each.plugin}: ", each.problem, width=width)
        if each.hint:
            yield labelled("hint: ", each.hint, width=width)
        if is_verbose and each.traceback:
            yield each.traceback.rstrip()
        has_hidden |= each.traceback is not None
    if has_hidden and not is_verbose:
        yield "\nWith their tracebacks: envkit plugin list -v"


def _remark_text(each: InstalledEntry, remark: str) -> str:
    return f"importing the {each.kind} {each.name!r} {remark}, which no import should"


def _slow_text(each: InstalledEntry) -> str:
    what = f"imports {' and '.join(each.heavy)}" if each.heavy else "is slow to import"
    if each.source_dir is not None:
        tell = f"mend it in {each.source_dir}"
    else:
        tell = "tell its author" + (f" ({each.tracker})" if each.tracker else "")
    return (
        f"the {each.kind} {each.name!r} {what}, {each.milliseconds or 0:.0f} ms each time it is named: {tell}"
    )
