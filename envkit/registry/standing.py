"""How every installed plugin stands before it is imported: usable, disabled, overruled, in conflict or broken."""

from __future__ import annotations

import os
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from envkit.registry.disabled import is_disabled
from envkit.registry.entries import AnyEntry, TaskEntry, find_entries, report_hint
from envkit.registry.loading import disabled_error
from envkit.registry.preference import PREFER_SETTING
from envkit.registry.tasks import choose_entries, conflict_error

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Standing = Literal["usable", "disabled", "overruled", "conflict", "broken"]


@dataclass(frozen=True, kw_only=True)
class StandingEntry:
    """An entry and how it stands; ``problem`` and ``hint`` are empty for one that is usable.

    ``overruled`` is one whose task the configuration gives to another distribution.
    """

    entry: AnyEntry
    standing: Standing
    problem: str = ""
    hint: str = ""


def find_standings(*, environ: Mapping[str, str] = os.environ) -> tuple[StandingEntry, ...]:
    """Return every installed entry, tasks first, and how it stands. Imports none."""
    entries = find_entries()
    rivals = _rivals(entries, environ)
    return tuple(_stand(entry, rivals.get((entry.kind, entry.name), []), environ) for entry in entries)


def _rivals(
    entries: Iterable[AnyEntry], environ: Mapping[str, str]
) -> dict[tuple[str, str], list[TaskEntry]]:
    """Return the entries of each task that several claim and that are not disabled."""
    by_name: defaultdict[tuple[str, str], list[TaskEntry]] = defaultdict(list)
    for entry in entries:
        if isinstance(entry, TaskEntry) and not is_disabled(entry, environ=environ):
            by_name[entry.kind, entry.name].append(entry)
    return {key: claims for key, claims in by_name.items() if len(claims) > 1}


def _stand(entry: AnyEntry, rivals: list[TaskEntry], environ: Mapping[str, str]) -> StandingEntry:
    if is_disabled(entry, environ=environ):
        error = disabled_error(entry)
        return StandingEntry(entry=entry, standing="disabled", problem=error.message, hint=error.hint or "")
    if entry.fault is not None:
        return StandingEntry(entry=entry, standing="broken", problem=entry.fault, hint=report_hint(entry))
    chosen = choose_entries(entry.name, rivals, environ=environ)
    if len(chosen) > 1:
        error = conflict_error(f"the task {entry.name!r}", entry.name, chosen)
        return StandingEntry(entry=entry, standing="conflict", problem=error.message, hint=error.hint or "")
    if chosen and chosen[0] is not entry:
        setting = f"{PREFER_SETTING}.{entry.name}"
        return StandingEntry(
            entry=entry,
            standing="overruled",
            problem=f"{setting} gives the task {entry.name!r} to {chosen[0]}",
            hint=f"To take it from there: envkit config unset {setting}",
        )
    return StandingEntry(entry=entry, standing="usable")
