"""Ask single checks about the facts of a machine."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

from doctor.machines import surroundings

from envkit.api.checks import Check, CheckContext, Finding
from envkit.doctor.catalog import builtin_checks

if TYPE_CHECKING:
    from envkit.api.facts import MachineFacts


@functools.cache
def all_checks() -> dict[str, Check]:
    """Return envkit's own checks by id, as they are where only its own tasks are installed."""
    return {check.id: check for check in builtin_checks(surroundings())}


def judge(check_id: str, facts: MachineFacts, **changes: Any) -> list[Finding]:
    """Return what a check has to say about a machine, ``ok`` left out; ``changes`` are the surroundings'."""
    checks = all_checks()
    if changes:
        checks = {check.id: check for check in builtin_checks(surroundings(**changes))}
    found = checks[check_id].run(CheckContext(facts=facts))
    return [finding for finding in found if finding.severity != "ok"]


def told(finding: Finding) -> tuple[str, str, tuple[str, ...], str | None]:
    """Return what a user sees of a finding."""
    return finding.severity, finding.summary, finding.evidence, finding.fix
