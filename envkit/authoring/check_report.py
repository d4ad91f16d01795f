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
    contract was run and why, None where none was. ``findings`` are all of them, those that all is well included, in
    the order in which they were found; ``checks`` have the same by check, with seconds. ``verdict`` is as the doctor's.
    """

    plugin: str
    version: str
    source: str
    location: str
    entries: tuple[CheckedEntry, ...]
    environment: str | None
    findings: tuple[Finding, ...]
    checks: tuple[CheckResult, ...]
    counts: Counts
    verdict: Verdict


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """Which checks are run: ids, with or without ``check.``, or groups; ``only`` empty for all."""

    only: tuple[str, ...] = ()
    skip: tuple[str, ...] = ()

    def wants(self, check_id: str, group: str) -> bool:
        """Tell whether a check was asked for."""
        names = {check_id, check_id.removeprefix(PREFIX), group}
        return (not self.only or bool(names & {*self.only})) and not names & {*self.skip}


def check_names(wanted: Wanted, known: Iterable[tuple[str, str]]) -> None:
    """Refuse names that no check and no group has. ``known`` are pairs of id and group. Raises: UsageError."""
    pairs = list(known)
    names = {name for check_id, group in pairs for name in (check_id, check_id.removeprefix(PREFIX), group)}
    for name in (*wanted.only, *wanted.skip):
        if name not in names:
            plain = sorted({each.removeprefix(PREFIX) for each in names})
            near = difflib.get_close_matches(name.removeprefix(PREFIX), plain, n=1)
            raise UsageError(
                f"there is no check {name!r}",
                hint=(f"Did you mean {near[0]!r}? " if near else "")
                + "To see them: envkit plugin check --list",
            )
