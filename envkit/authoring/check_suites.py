"""What plugins promise, and other processes try: the checks of all suites of ``envkit.testing``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from envkit.authoring.check_worker import Suite
    from envkit.testing import Check

SUITE_PREFIXES: dict[Suite, str] = {
    "task": "contract",
    "backend": "backend",
    "check": "doctor",
    "template": "template",
}


@dataclass(frozen=True, kw_only=True)
class Promise:
    """A check that another process tries: ``name`` is what its suite calls it."""

    id: str
    group: str
    summary: str
    suite: Suite
    name: str


def promises() -> list[Promise]:
    """Return the checks of all suites, in their order."""
    from envkit.testing import BACKEND_CHECKS, DOCTOR_CHECKS, TEMPLATE_CHECKS
    from envkit.testing import CHECKS as TASK_CHECKS

    suites: dict[Suite, Sequence[Check[Any]]] = {
        "task": TASK_CHECKS,
        "backend": BACKEND_CHECKS,
        "check": DOCTOR_CHECKS,
        "template": TEMPLATE_CHECKS,
    }
    return [
        Promise(
            id=f"check.{SUITE_PREFIXES[suite]}-{check.name.replace('_', '-')}",
            group="extension" if suite in ("check", "template") else "contract",
            summary=check.promise,
            suite=suite,
            name=check.name,
        )
        for suite, checks in suites.items()
        for check in checks
    ]
