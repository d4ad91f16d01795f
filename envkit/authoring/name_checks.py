"""The names of a plugin, and whether another has them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from envkit.api.checks import Finding
from envkit.registry import RESERVED_NAMES, TaskEntry
from envkit.registry.metadata import canonical

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from envkit.authoring.check_subject import Subject
    from envkit.registry import AnyEntry

_TASK = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
# Tasks of envkit's own plugins, installed or not.
BUILT_IN = {
    "classification": "envkit-classification",
    "ner": "envkit-ner",
    "qa": "envkit-qa",
    "sentiment": "envkit-sentiment",
}


def check_module(subject: Subject) -> Iterator[Finding]:
    """Hold the module's name against the distribution's: with another it could lie on another plugin's."""
    told: set[str] = set()
    expected = f"envkit_{canonical(subject.name).removeprefix('envkit-').replace('-', '_')}"
    for entry in (each for each in subject.entries if each.line_fault is None):
        name = entry.entry_point.module.partition(".")[0]
        if name != expected and name not in told:
            told.add(name)
            is_there = subject.has_module(name)
            meant = f'In pyproject.toml: {entry.name} = "{subject.meant_module(entry.entry_point.module)}"'
            yield Finding(
                severity="error",
                summary=f"its entry points lead to the module {name}, expected {expected}",
                evidence=(subject.place("entry-points", "Name"),),
                fix=f"Rename the package {name} to {expected}" if is_there else meant,
            )


def check_task_names(subject: Subject) -> Iterator[Finding]:
    """Look at the names of its tasks, which become commands, tables, variables and folders."""
    for entry in subject.entries:
        if not isinstance(entry, TaskEntry) or entry.line_fault is not None:
            continue
        if not _TASK.fullmatch(entry.name) or entry.name in RESERVED_NAMES:
            near = near_name(entry.name)
            yield Finding(
                severity="error",
                summary=f"the task is called {entry.name!r}, expected small letters, digits and single dashes",
                evidence=(subject.place(entry.name, "Name"),),
                fix=f'In pyproject.toml: {near} = "{entry.entry_point.value}"',
            )


def check_taken(subject: Subject, others: Iterable[AnyEntry]) -> Iterator[Finding]:
    """Look for another distribution, built in or among ``others``, that has the name of one of its entries."""
    own = canonical(subject.name)
    claims = [entry for entry in others if canonical(entry.plugin) != own]
    for entry in subject.entries:
        if not isinstance(entry, TaskEntry):
            continue
        rivals = sorted({str(e) for e in claims if isinstance(e, TaskEntry) and _same(e.name, entry.name)})
        owner = next((dist for task, dist in BUILT_IN.items() if _same(task, entry.name)), own)
        if owner != own and not any(owner in each for each in rivals):
            rivals.append(f"{owner}, one of envkit's own")
        if rivals:
            yield Finding(
                severity="error",
                summary=f"the task {entry.name!r} is also that of {' and '.join(rivals)}",
                evidence=(subject.place(entry.name, "Name"),),
                fix=f'Give it another name. In pyproject.toml: my-{entry.name} = "{entry.entry_point.value}"',
            )


def near_name(name: str) -> str:
    """Return a name of the form that tasks have, as near to this as can be."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-0123456789") or "my-task"


def _same(one: str, other: str) -> bool:
    return canonical(one) == canonical(other)
