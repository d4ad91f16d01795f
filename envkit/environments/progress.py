"""How making an environment tells the user what happens."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """What the command line renders while an environment is looked for or made."""

    def say(self, text: str) -> None:
        """Tell the user something that stays on the screen."""

    def step(self, text: str) -> None:
        """Say what is being done now; the next step replaces it."""

    def bytes(self, done: int, total: int | None, what: str) -> None:
        """Show beside the step how many bytes of ``what`` are there, of how many if that is known."""
