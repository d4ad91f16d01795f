"""What a check of a plugin has to say in the end, as one record."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from envkit.api import UsageError
from envkit.api.checks import Finding
from envkit.doctor.report import Counts, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable

PREFIX = "check."
# What findings are grouped by: on the screen, and for --only and --skip.
GROUPS = {
    "metadata": "Metadata",
    "names": "Names",
    "code": "Code",
    "options": "Options",
    "hooks": "Hooks",
    "extension": "Extension",
    "contract": "Contract",
}

# Parts of groups by which the ids of their checks begin: what a package hands in decides which of them its author runs.
PARTS = {"contract": ("backend",), "extension": ("doctor", "template")}


class CheckedEntry(msgspec.Struct, frozen=True, kw_only=True):
    """What the plugin supplies: ``kind`` is ``task`` or ``extension``."""

    kind: str
    name: str
    module: str


class CheckResult(msgspec.Struct, frozen=True, kw_only=True):
    """A check that was run: its findings, at least one; ``group`` is what it is listed under."""

    id: str
    group: str
    findings: tuple[Finding, ...]
    seconds: float


class PluginReport(msgspec.Struct, frozen=True, kw_only=True):
    """What was found of a plugin.

    ``source`` is ``installed``, ``folder`` or ``wheel``, ``location`` where that is. ``environment`` says in which the
    contract was run and why, None where none was. ``checks`` are those that were made, in their order, with their
    findings, those that all is well included. With ``is_stopped`` the user has stopped it, and ``not_reached`` are the
    ids of those that were still to be made.
    ``verdict`` is as the doctor's, of what was found.
    """

    plugin: str
    version: str
    source: str
    location: str
    entries: tuple[CheckedEntry, ...]
    environment: str | None
    checks: tuple[CheckResult, ...]
    counts: Counts
    verdict: Verdict
    is_stopped: bool = False
    not_reached: tuple[str, ...] = ()

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Return the findings of all checks, in the order in which they were made."""
        return tuple(finding for result in self.checks for finding in result.findings)


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """Which checks are run: ids, with or without ``check.``, groups, or parts of these; ``only`` empty for all."""

    only: tuple[str, ...] = ()
    skip: tuple[str, ...] = ()

    def wants(self, check_id: str, group: str) -> bool:
        """Tell whether a check was asked for."""
        names = _names_of(check_id, group)
        return (not self.only or bool(names & {*self.only})) and not names & {*self.skip}


def check_names(wanted: Wanted, known: Iterable[tuple[str, str]]) -> None:
    """Refuse names that no check, no group and no part of one has. ``known`` are pairs of id and group. Raises: UsageError."""
    pairs = list(known)
    names = {name for check_id, group in pairs for name in _names_of(check_id, group)}
    for name in (*wanted.only, *wanted.skip):
        if name not in names:
            plain = sorted({each.removeprefix(PREFIX) for each in names})
            near = difflib.get_close_matches(name.removeprefix(PREFIX), plain, n=1)
            raise UsageError(
                f"there is no check {name!r}",
                hint=(f"Did you mean {near[0]!r}? " if near else "")
                + "To see them: envkit plugin check --list",
            )


def _names_of(check_id: str, group: str) -> set[str]:
    """Return all by which a check can be named."""
    plain = check_id.removeprefix(PREFIX)
    part = {plain.partition("-")[0]} & {*PARTS.get(group, ())}
    return {check_id, plain, group, *part}
