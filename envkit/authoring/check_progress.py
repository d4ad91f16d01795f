"""How a check of a plugin tells what happens while it goes on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from envkit.authoring.check_report import CheckResult


class CheckProgress(Protocol):
    """How a check of a plugin tells what happens; beside it, what making an environment tells."""

    def begin(self, check_id: str) -> None:
        """Hear that a check begins."""

    def end(self, result: CheckResult) -> None:
        """Hear what it found."""

    def say(self, text: str) -> None:
        """Tell the user something that stays on the screen."""

    def step(self, text: str) -> None:
        """Say what is being done now; the next step replaces it."""

    def bytes(self, done: int, total: int | None, what: str) -> None:
        """Show beside the step how many bytes of ``what`` are there, of how many if that is known."""


class Silence:
    """Tells nothing."""

    def begin(self, check_id: str) -> None:
        """Hear nothing."""

    def end(self, result: CheckResult) -> None:
        """Hear nothing."""

    def say(self, text: str) -> None:
        """Say nothing."""

    def step(self, text: str) -> None:
        """Say nothing."""

    def bytes(self, done: int, total: int | None, what: str) -> None:
        """Show nothing."""
