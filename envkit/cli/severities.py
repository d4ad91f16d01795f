"""How severities look on a screen: their colours, their column, and how many there are of the bad ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from envkit.api.checks import Severity
    from envkit.doctor.report import Counts

COLOURS: dict[Severity, str] = {
    "ok": "green",
    "info": "cyan",
    "skip": "bright_black",
    "crash": "magenta",
    "warn": "yellow",
    "error": "red",
}
MARK_WIDTH = 7  # the column of severities
INDENT = " " * (MARK_WIDTH + 2)


def bad_in_words(counts: Counts) -> str:
    """Return what is not well, as ``1 error, 2 warnings``; empty where all is."""
    numbers = (
        (counts.error, "error", "errors"),
        (counts.warn, "warning", "warnings"),
        (counts.crash, "check failed", "checks failed"),
        (counts.unmade, "check could not be made", "checks could not be made"),
    )
    return ", ".join(f"{number} {one if number == 1 else many}" for number, one, many in numbers if number)


def checks_in_words(number: int) -> str:
    """Return ``1 check``, ``12 checks``."""
    return f"{number} {'check' if number == 1 else 'checks'}"
