"""What installed distributions claim to supply, from their metadata alone: nothing is imported."""

from __future__ import annotations

import functools
import importlib
import re
import traceback
from dataclasses import dataclass, replace
from importlib.metadata import Distribution, EntryPoint, distributions
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from envkit.api import PluginError
from envkit.registry.metadata import Headers, canonical, printable, read_headers, read_text, source_folder

if TYPE_CHECKING:
    from collections.abc import Iterator

    from envkit.api.errors import PluginFault

TASKS_GROUP = "envkit.tasks"
EXTENSIONS_GROUP = "envkit.extensions"
OWN_DISTRIBUTION = "envkit-ml"
# Tables of the configuration that are no task's.
RESERVED_NAMES = ("mirrors", "plugins")
_TASK_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")  # it becomes part of folders' and variables' names
_NOT_THE_CODE = ("<frozen importlib", str(Path(importlib.__file__).parent), str(Path(__file__).parent))
_LONGEST_MESSAGE = 1000
_MODULE = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*(\s*\[.*\])?")


@dataclass(frozen=True)
class Entry:
    """What an installed distribution says that it supplies, from its metadata alone.

    ``scope`` names what does not work where it is broken; ``line_fault`` says what is wrong with the entry itself.
    """

    kind: ClassVar[str] = "entry"
    scope: ClassVar[str] = "what it supplies"
    name: str
    entry_point: EntryPoint
    distribution: Distribution
    line_fault: str | None = None

    @functools.cached_property
    def headers(self) -> Headers:
        """Return what the distribution says of itself."""
        return read_headers(self.distribution)

    @property
    def plugin(self) -> str:
        """Return the distribution's name."""
        return self.headers.name

    @property
    def version(self) -> str:
        """Return the distribution's version."""
        return self.headers.version

    @property
    def summary(self) -> str:
        """Return the distribution's one-line summary, no longer than 200 characters."""
        return self.headers.summary

    @property
    def requires_python(self) -> str:
        """Return the range of Pythons that the distribution runs on, empty for any."""
        return self.headers.requires_python

    @property
    def tracker(self) -> str | None:
        """Return the address where the author wants to hear of faults, if the metadata give one."""
        return self.headers.tracker

    @property
    def fault(self) -> str | None:
        """Return what is wrong with it, as far as the metadata tell."""
        return self.headers.fault or self.line_fault

    @property
    def is_own(self) -> bool:
        """Tell whether envkit itself supplies it."""
        return canonical(self.plugin) == OWN_DISTRIBUTION

    def __str__(self) -> str:
        """Return name and version, as errors name the plugin."""
        return f"{self.plugin} {self.version}"


@dataclass(frozen=True)
class TaskEntry(Entry):
    """A task that an installed distribution claims."""

    kind: ClassVar[str] = "task"
    scope: ClassVar[str] = "its task"


@dataclass(frozen=True)
class ExtensionEntry(Entry):
    """A module of an installed distribution that extends envkit itself."""

    kind: ClassVar[str] = "extension"
    scope: ClassVar[str] = "its extension"


AnyEntry = TaskEntry | ExtensionEntry
_KINDS: dict[str, type[TaskEntry | ExtensionEntry]] = {
    TASKS_GROUP: TaskEntry,
    EXTENSIONS_GROUP: ExtensionEntry,
}


def find_entries() -> list[AnyEntry]:
    """Return all that is claimed, tasks first, sorted by name and distribution; what is broken or disabled too.

    Of two copies of a distribution the first on ``sys.path`` counts.
    """
    found: dict[tuple[str, str, str], AnyEntry] = {}
    for dist in distributions():
        for entry in entries_of(dist):
            found.setdefault((entry.kind, entry.name, canonical(entry.plugin)), entry)
    order = sorted(found, key=lambda key: (key[0] != TaskEntry.kind, *key[1:]))
    return [found[key] for key in order]


def entries_of(dist: Distribution) -> list[AnyEntry]:
    """Return what one distribution claims."""
    text = read_text(dist, "entry_points.txt")
    if text is None or "envkit." not in text:
        return []
    found: dict[tuple[str, str], AnyEntry] = {}
    for group, line in _lines_of(text):
        entry = _read_line(line, group, dist)
        key = (group, entry.name)
        if key in found:
            entry = replace(found[key], line_fault=f"it claims the {entry.kind} {entry.name!r} twice")
        found[key] = entry
    return list(found.values())


def _lines_of(text: str) -> Iterator[tuple[str, str]]:
    """Yield the lines of envkit's groups in an ``entry_points.txt``."""
    group = ""
    for raw in text.splitlines():
        line = raw.strip()
        if line.startswith("[") and line.endswith("]"):
            group = line[1:-1].strip()
        elif group in _KINDS and line and line[0] not in "#;":
            yield group, line


def _read_line(line: str, group: str, dist: Distribution) -> AnyEntry:
    kind = _KINDS[group]
    raw_name, mark, raw_value = line.partition("=")
    name, value = printable(raw_name) or "(no name)", raw_value.strip()
    fault = None
    if not mark:
        fault = f"its metadata have the line {printable(line)!r} in [{group}], expected NAME = MODULE"
    elif not _MODULE.fullmatch(value):
        fault = f"its {kind.kind} {name!r} leads to {printable(value)!r}, expected a module (envkit_x.plugin)"
    elif kind is TaskEntry and not _TASK_NAME.fullmatch(raw_name.strip()):
        fault = f"it has a task named {name!r}, expected letters, digits and dashes"
    elif kind is TaskEntry and name in RESERVED_NAMES:
        fault = f"it has a task named {name!r}, which is a table of envkit's own configuration"
    return kind(name, EntryPoint(name, value, group), dist, fault)


def plugin_error(
    entry: Entry, message: str, *, hint: str | None = None, state: PluginFault = "broken"
) -> PluginError:
    """Return an error that carries the plugin whose fault it is; without a ``hint`` its author is to be told."""
    return PluginError(
        message,
        hint=report_hint(entry) if hint is None else hint,
        plugin=entry.plugin,
        version=entry.version,
        tracker=entry.tracker,
        state=state,
    )


def unusable_error(entry: Entry, reason: str) -> PluginError:
    """Return the error for an imported module that is not as the API wants it."""
    what = "plugin" if entry.kind == "task" else "extension"
    return plugin_error(entry, f"the {what} {entry} cannot be loaded: {reason}")


def describe(error: BaseException) -> str:
    """Return kind and message of an error, and the last line of code that raised it."""
    try:
        text = _without_controls(str(error).strip())
    except Exception:  # noqa: BLE001 - an author's __str__ may fail as well
        text = "its message cannot be read"
    return f"{type(error).__name__}{': ' + text if text else ''}{place_of(error)}"


def _without_controls(text: str) -> str:
    """Return a message without what a terminal would obey, and no longer than can be read."""
    shown = "".join(letter if letter.isprintable() or letter == "\n" else " " for letter in text)
    return shown if len(shown) <= _LONGEST_MESSAGE else f"{shown[:_LONGEST_MESSAGE]}…"


def place_of(error: BaseException) -> str:
    """Return in brackets the last line of code behind an error; what imports and guards that code is none."""
    frames = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if not frame.filename.startswith(_NOT_THE_CODE)
    ]
    return f" ({frames[-1].filename}:{frames[-1].lineno})" if frames else ""


def report_hint(entry: Entry) -> str:
    """Return the hint of an error that is the author's of a plugin or an extension."""
    return f"{tell_author(entry)}. Everything but {entry.scope} works on."


def tell_author(entry: Entry) -> str:
    """Return who mends a fault of a plugin: its author, or whoever has it installed from a folder of their own."""
    if (folder := source_folder(entry.distribution)) is not None:
        return f"Mend it in {folder} (envkit plugin check {entry.plugin} tells more)"
    return f"Tell its author: {entry.tracker}" if entry.tracker else f"Tell the author of {entry.plugin}"
