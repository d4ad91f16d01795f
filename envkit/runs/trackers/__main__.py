"""The process of a tracker: ``python -m envkit.runs.trackers RUN_DIR --to NAME``.

What it has to say goes to standard output as events; what its library prints, to standard error. It follows
the run until standard input ends (the host has gone, or the run is over) and no worker is at work any more.
"""

from __future__ import annotations

import argparse
import os
import select
import signal
import sys
import time
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from envkit.api import EnvkitError
from envkit.api.events import Message, encode_event
from envkit.runs.folder import read_status
from envkit.runs.trackers.feed import feed_tracker
from envkit.runs.trackers.kinds import TRACKERS, OpenedBy, open_tracker, track_command
from envkit.worker.folder import RunFolder

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Track the run and return 0, or 1 once it has been said why that could not be done."""
    parser = argparse.ArgumentParser(prog="python -m envkit.runs.trackers")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--to", choices=TRACKERS, required=True)
    parser.add_argument("--start", type=int, default=0, help="size of the events file before the worker")
    parser.add_argument("--patience", type=float, help="seconds to send what is left at the end")
    chosen = parser.parse_args(arguments)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the host, which then ends this process
    folder = RunFolder(chosen.folder.absolute())
    voice = Voice()
    opened_by = OpenedBy(folder=folder, say=voice.say, patience=chosen.patience)
    life_line = LifeLine()
    try:
        feed_tracker(
            folder,
            open=lambda: open_tracker(chosen.to, opened_by),
            is_over=lambda: life_line.has_ended() and read_status(folder) != "running",
            start=chosen.start,
        )
    except Exception as error:  # noqa: BLE001 - whatever a tracker does, the run goes on
        traceback.print_exc()
        text = f"{TRACKERS[chosen.to].title}: {_one_line(error)}"
        if isinstance(error, EnvkitError) and error.hint:
            text += f" ({error.hint})"
        voice.say(f"{text}. Later: {track_command(folder, chosen.to)}", level="warning")
        return 1
    return 0


class Voice:
    """Standard output, kept for what the tracker says: what libraries print goes to standard error."""

    def __init__(self) -> None:
        self._descriptor = os.dup(1)
        os.set_inheritable(self._descriptor, False)
        os.dup2(2, 1)

    def say(self, text: str, *, level: Literal["info", "warning"] = "info") -> None:
        """Say it to whoever listens; nobody may."""
        try:
            os.write(self._descriptor, encode_event(Message(time=time.time(), text=text, level=level)))
        except OSError as error:
            sys.stderr.write(f"{text}\n({error})\n")


class LifeLine:
    """Standard input, whose end is the host's."""

    def __init__(self) -> None:
        self._has_ended = False

    def has_ended(self) -> bool:
        """Tell whether the other end is closed."""
        while not self._has_ended and select.select([0], [], [], 0)[0]:
            self._has_ended = not os.read(0, 4096)
        return self._has_ended


def _one_line(error: BaseException) -> str:
    text = " ".join(str(error).split())
    return text if isinstance(error, EnvkitError) else f"{type(error).__name__}: {text}".rstrip(": ")


if __name__ == "__main__":
    sys.exit(main())
