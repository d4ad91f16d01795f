"""The plugins that are installed: what each claims, gives and needs to load, and whether it can be used."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import msgspec

from envkit.authoring.inspection import inspect_entry
from envkit.doctor.plugin_states import read_plugin_states
from envkit.registry import find_standings, report_hint, source_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from envkit.api.checks import PluginState
    from envkit.authoring.inspection import Inspected
    from envkit.registry import AnyEntry, StandingEntry

State = Literal["ok", "disabled", "blocked", "conflict", "broken", "incompatible"]
_GIVES = {"envkit_checks": "check", "envkit_backends": "backend", "envkit_templates": "template"}
_STATES: dict[str, State] = {
    "ok": "ok",
    "incompatible": "incompatible",
    "disabled": "disabled",
    "overruled": "blocked",
    "conflict": "conflict",
    "broken": "broken",
}


class InstalledEntry(msgspec.Struct, frozen=True, kw_only=True):
    """A task or an extension of an installed distribution, and whether it can be used.

    ``gives`` says what kinds of things: ``task``, ``check``, ``backend``, ``template``, or ``extension`` where only
    loading could tell. ``state`` is ``ok``, ``disabled`` (by the user), ``blocked`` (the configuration gives its
    name to another distribution), ``conflict`` (another claims its name and no setting decides), ``broken`` (it
    cannot be loaded) or ``incompatible`` (made for another envkit, Python or package). ``milliseconds`` is what
    its import takes, None for one that was not imported; ``traceback`` is that of its code, from its own first line.
    ``remarks`` are what importing it did that no import should; ``source_dir`` is the folder of an editable install.
    """

    name: str
    kind: Literal["task", "extension"]
    gives: tuple[str, ...]
    plugin: str
    version: str
    summary: str
    state: State
    problem: str | None = None
    hint: str | None = None
    tracker: str | None = None
    traceback: str | None = None
    milliseconds: float | None = None
    heavy: tuple[str, ...] = ()
    hooks: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    source_dir: str | None = None


def read_installed(
    *,
    read_states: Callable[[], Iterable[PluginState]] = read_plugin_states,
    inspect: Callable[[AnyEntry], Inspected] = inspect_entry,
    standings: Iterable[StandingEntry] | None = None,
) -> tuple[InstalledEntry, ...]:
    """Return all that others installed, tasks first, each tried in a process beside envkit.

    One that fails is tried once more, for the traceback of its code. Raises: PluginError where they cannot be listed.
    """
    known = [each for each in (find_standings() if standings is None else standings) if not each.entry.is_own]
    states = {(each.kind, each.name, each.plugin): each for each in read_states()} if known else {}
    return tuple(
        _line(each, states.get((_kind(each.entry), each.entry.name, each.entry.plugin)), inspect)
        for each in known
    )


def _kind(entry: AnyEntry) -> Literal["task", "extension"]:
    return "task" if entry.kind == "task" else "extension"


def _line(
    standing: StandingEntry, loaded: PluginState | None, inspect: Callable[[AnyEntry], Inspected]
) -> InstalledEntry:
    entry = standing.entry
    state, problem = _judge(standing, loaded)
    hint, trace = standing.hint or None, None
    if standing.standing == "usable" and loaded is not None and loaded.state in ("broken", "incompatible"):
        found = inspect(entry)
        hint, trace = found.hint, found.traceback
    if hint is None and state == "incompatible":
        hint = f"It may be made for another version: envkit plugin install --upgrade {entry.plugin}"
    elif hint is None and state == "broken":
        hint = report_hint(entry)
    hooks = loaded.hooks if loaded is not None else ()
    folder = source_folder(entry.distribution)
    return InstalledEntry(
        name=entry.name,
        kind=_kind(entry),
        gives=_gives(entry, hooks),
        plugin=entry.plugin,
        version=entry.version,
        summary=entry.summary,
        state=state,
        problem=problem,
        hint=hint,
        tracker=entry.tracker,
        traceback=trace,
        milliseconds=loaded.milliseconds if loaded is not None else None,
        heavy=loaded.heavy if loaded is not None else (),
        hooks=hooks,
        remarks=loaded.remarks if loaded is not None else (),
        source_dir=None if folder is None else str(folder),
    )


def _judge(standing: StandingEntry, loaded: PluginState | None) -> tuple[State, str | None]:
    """Return state and problem. What the metadata and settings say comes before how loading went."""
    if standing.standing != "usable":
        return _STATES[standing.standing], standing.problem
    if loaded is None:
        return "broken", "it was gone when it was to be loaded"
    if loaded.state == "silent":
        return "broken", f"it does not load in time: {loaded.problem}"
    return _STATES.get(loaded.state, "broken"), loaded.problem


def _gives(entry: AnyEntry, hooks: Iterable[str]) -> tuple[str, ...]:
    if entry.kind == "task":
        return ("task",)
    return tuple(_GIVES[hook] for hook in hooks if hook in _GIVES) or ("extension",)
