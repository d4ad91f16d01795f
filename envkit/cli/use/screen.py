"""What is said on stderr while a saved model is used."""

from __future__ import annotations

import os
import sys
from typing import Self

import click

from envkit.api.events import AnyEvent, Measured, Message, Phase

_ERASE_LINE = "\r\x1b[2K"
_PHASES = {"load": "Loading the model", "score": "Scoring"}


class UseScreen:
    """A worker's messages, each a line; where ``is_live``, also one line of what it is doing, written over.

    With ``is_quiet``, warnings alone.
    """

    def __init__(self, *, is_live: bool, is_quiet: bool = False) -> None:
        self._is_live = is_live and not is_quiet
        self._is_quiet = is_quiet
        self._is_shown = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._erase()

    def event(self, event: AnyEvent) -> None:
        """Show what an event tells."""
        match event:
            case Message(level="warning"):
                self._say(f"warning: {event.text}")
            case Message():
                if not self._is_quiet:
                    self._say(event.text)
            case Phase():
                self._show(_PHASES.get(event.name, ""))
            case Measured(name="rows"):
                self._show(f"{event.value:,.0f} rows")

    def _say(self, text: str) -> None:
        self._erase()
        click.echo(text, err=True)

    def _show(self, text: str) -> None:
        if self._is_live:
            self._erase()
            click.echo(text, err=True, nl=False)
            self._is_shown = True

    def _erase(self) -> None:
        if self._is_shown:
            click.echo(_ERASE_LINE, err=True, nl=False)
            self._is_shown = False


def can_write_over() -> bool:
    """Tell whether stderr is a terminal that erases a line when told to."""
    return sys.stderr.isatty() and os.environ.get("TERM", "dumb") != "dumb"
