"""How every installed plugin fares when it is loaded, in a process apart that it may take down."""

from __future__ import annotations

import sys
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet

from envkit.api import PluginError
from envkit.api.checks import PluginState
from envkit.doctor.plugin_process import NoAnswer, PluginProcess
from envkit.doctor.plugin_records import (
    Asked,
    CheckRecord,
    Entries,
    EntryRecord,
    ListEntries,
    Loaded,
)
from envkit.doctor.plugin_trials import PluginTrials

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

LOAD_SECONDS = 5.0
# After several that hang, the others are no longer tried: the doctor has an end.
ALL_SECONDS = 20.0
_PYTHON = ".".join(map(str, sys.version_info[:3]))


@dataclass(frozen=True, kw_only=True)
class PluginReport:
    """The states, and the checks that can be run with the entries that they come from."""

    states: tuple[PluginState, ...] = ()
    checks: tuple[tuple[EntryRecord, CheckRecord], ...] = ()


class PluginReader:
    """Load all plugins beside whatever else is done; whoever needs what comes of it waits for it."""

    def __init__(self, *, process: PluginProcess | None = None) -> None:
        self._process = process or PluginProcess()
        self._thread = threading.Thread(target=self._read, name="plugins", daemon=True)
        self._is_listed = threading.Event()
        self._installed: Entries | None = None
        self._report = PluginReport()
        self._error: PluginError | None = None

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """Let go of it: nobody waits for the report any more."""
        self._process.abandon()

    def installed(self) -> Entries | None:
        """Return what the metadata tell, before anything is loaded; None where it was not begun or failed."""
        if self._thread.ident is not None:
            self._is_listed.wait()
        return self._installed

    def report(self) -> PluginReport:
        """Return what was found. Raises: PluginError where the installed plugins cannot even be listed."""
        if self._thread.ident is None:
            self.start()
        self._thread.join()
        if self._error is not None:
            raise self._error
        return self._report

    def _read(self) -> None:
        try:
            self._installed = list_plugins(self._process)
            self._is_listed.set()
            self._report = load_plugins(self._process, self._installed.entries)
        except PluginError as error:
            self._error = error
        finally:
            self._is_listed.set()


def read_plugin_states(
    *,
    process: PluginProcess | None = None,
    timeout: float = LOAD_SECONDS,
    all_seconds: float = ALL_SECONDS,
) -> tuple[PluginState, ...]:
    """Return the state of every installed plugin. Raises: PluginError where they cannot even be listed."""
    process = process or PluginProcess()
    entries = list_plugins(process).entries
    return load_plugins(process, entries, timeout=timeout, all_seconds=all_seconds).states


def list_plugins(process: PluginProcess, *, timeout: float = LOAD_SECONDS) -> Entries:
    """Return what is installed. Raises: PluginError where it cannot be listed."""
    try:
        return process.ask(ListEntries(), Entries, timeout=timeout)
    except NoAnswer as error:
        raise PluginError(
            f"the installed plugins cannot be listed: {error}", hint="Look at them: envkit plugin list"
        ) from error


def load_plugins(
    process: PluginProcess,
    entries: Sequence[EntryRecord],
    *,
    timeout: float = LOAD_SECONDS,
    all_seconds: float = ALL_SECONDS,
    clock: Callable[[], float] = time.monotonic,
) -> PluginReport:
    """Load every installed plugin, ``timeout`` seconds each, and return how that went; then end the process.

    One process loads them all, one after the other. After one that takes it down, or fills it with heavy modules, a
    new one goes on; one that fails beside others is tried again alone before it is blamed.
    """
    trials = PluginTrials(process, timeout=timeout, all_seconds=all_seconds, clock=clock)
    try:
        tried = trials.load_all(entries)
    finally:
        process.stop()
    return PluginReport(
        states=tuple(_state(entry, load) for entry, load in tried),
        checks=tuple(
            (entry, check) for entry, load in tried if isinstance(load, Loaded) for check in load.checks
        ),
    )


def _state(entry: EntryRecord, load: Loaded | NoAnswer) -> PluginState:
    state: Literal["ok", "broken", "conflict", "incompatible", "silent", "disabled", "overruled"]
    if isinstance(load, NoAnswer):
        state, problem, load = "silent" if load.is_late else "broken", load.why, Loaded()
    elif unmet := find_unmet(entry, load.asked):
        state, problem = "incompatible", "; ".join(filter(None, (unmet, load.problem)))
    elif load.problem or load.faults:
        state = "incompatible" if load.state == "incompatible" else "broken"
        problem = load.problem or "; ".join(load.faults)
    else:
        state, problem = "ok", None
    if entry.standing in ("disabled", "overruled", "conflict"):
        state, problem = entry.standing, entry.problem
    return PluginState(
        plugin=entry.plugin,
        version=entry.version,
        kind=entry.kind,
        name=entry.name,
        state=state,
        problem=problem,
        tracker=entry.tracker,
        source_dir=entry.source_dir,
        milliseconds=load.milliseconds or None,
        heavy=load.heavy,
        hooks=load.hooks,
        remarks=load.remarks,
        shared=load.shared,
    )


def find_unmet(entry: EntryRecord, asked: Iterable[Asked], *, python: str = _PYTHON) -> str | None:
    """Return the first thing that the metadata of a plugin ask for and that is not here."""
    try:
        if python not in SpecifierSet(entry.requires_python):
            return f"it asks for Python {entry.requires_python}, here is {python}"
        for each in asked:
            requirement = Requirement(each.requirement)
            if requirement.marker is not None and not requirement.marker.evaluate({"extra": ""}):
                continue
            wanted = f"it asks for {requirement.name}{requirement.specifier}"
            if each.installed is None:
                return f"{wanted}, which is not installed"
            if not requirement.specifier.contains(each.installed, prereleases=True):
                return f"{wanted}, here is {each.installed}"
    except (InvalidRequirement, InvalidSpecifier) as error:
        return f"its metadata cannot be read: {error}"
    return None
