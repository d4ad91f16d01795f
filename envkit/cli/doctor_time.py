"""The end that ``envkit doctor`` comes to, whatever this machine does to it."""

from __future__ import annotations

import gc
import os
import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Iterator

LIMIT_SECONDS = 30.0
_MESSAGE = "this machine did not let the doctor finish in {:.0f} s"
_HINT = "Look at one thing at a time: envkit doctor --only python"


@contextmanager
def limited(*, as_json: bool, seconds: float = LIMIT_SECONDS) -> Iterator[None]:
    """Let what is inside take so long; then the process ends with 1, without the threads that hang.

    Nothing is looked through for garbage meanwhile: nearly all that is made stays, and it takes a twentieth of the time.
    """
    finished = threading.Event()

    def watch() -> None:
        if not finished.wait(seconds):
            _give_up(as_json=as_json, seconds=seconds)

    threading.Thread(target=watch, name="time limit", daemon=True).start()
    collects = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        finished.set()
        if collects:
            gc.enable()


def _give_up(*, as_json: bool, seconds: float) -> None:
    try:
        message = _MESSAGE.format(seconds)
        if as_json:
            from envkit.cli import envelope

            envelope.write(["doctor"], data=None, error={"message": message, "hint": _HINT, "exit_code": 1})
        else:
            click.echo(f"error: {message}\nhint: {_HINT}", err=True)
        sys.stdout.flush()
    finally:
        os._exit(1)
