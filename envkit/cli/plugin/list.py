"""``envkit plugin list``: which plugins are here, and which of them work."""

from __future__ import annotations

import click
import msgspec

from envkit.api import EnvkitError
from envkit.cli import envelope
from envkit.registry import TaskEntry, find_tasks, load_entry


class PluginState(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the list; ``state`` is ``ok``, ``broken`` or ``conflict``."""

    task: str
    plugin: str
    version: str
    state: str
    summary: str
    problem: str | None = None
    tracker: str | None = None


@click.command(name="list", short_help="List the plugins, each tried.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead.")
def command(as_json: bool) -> None:
    """List the plugins, each tried: a broken one harms only its own task."""
    states = [_state(entry, entries) for entries in find_tasks().values() for entry in entries]
    if as_json:
        envelope.write(["plugin", "list"], data=states)
        return
    from envkit.cli import render

    if not states:
        click.echo("No plugin is installed. A task comes with its plugin: pip install envkit-ner")
        return
    rows = [(s.task, s.plugin, s.version, s.state, s.summary) for s in states]
    render.print_table(("TASK", "PLUGIN", "VERSION", "STATE", "SUMMARY"), rows)
    for state in states:
        if state.problem:
            click.echo(f"\n{state.plugin}: {state.problem}")


def _state(entry: TaskEntry, entries: list[TaskEntry]) -> PluginState:
    state, problem = "ok", None
    if len(entries) > 1:
        state, problem = "conflict", f"{' and '.join(map(str, entries))} claim the task {entry.name!r}"
    else:
        try:
            load_entry(entry)
        except EnvkitError as error:
            state, problem = "broken", f"{error.message}\n{error.hint}"
    return PluginState(
        task=entry.name,
        plugin=entry.plugin,
        version=entry.version,
        state=state,
        summary=entry.summary,
        problem=problem,
        tracker=entry.tracker,
    )
