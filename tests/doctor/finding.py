"""Run one built-in check on facts."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from doctor.machines import surroundings as usual_surroundings

from envkit.api.checks import Check, CheckContext, Finding

if TYPE_CHECKING:
    from envkit.api.facts import MachineFacts
    from envkit.doctor.surroundings import Surroundings


def check_of(module: str, check_id: str, *, surroundings: Surroundings | None = None) -> Check:
    """Return the check of this id in a module of ``envkit.doctor.checks``."""
    found = import_module(f"envkit.doctor.checks.{module}").checks(surroundings or usual_surroundings())
    (check,) = [each for each in found if each.id == check_id]
    assert isinstance(check, Check)
    return check


def findings_of(
    module: str, check_id: str, facts: MachineFacts, *, surroundings: Surroundings | None = None
) -> tuple[Finding, ...]:
    """Return what the check finds on a machine, what is well left out."""
    check = check_of(module, check_id, surroundings=surroundings)
    found = check.run(CheckContext(facts=facts))
    return tuple(finding for finding in found if finding.severity != "ok")


def shown(finding: Finding) -> str:
    """Return all that a finding says."""
    return "\n".join((finding.summary, *finding.evidence, finding.fix or ""))
