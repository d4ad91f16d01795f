"""When a worker stops: on a signal, and when its host has gone, however the host went."""

from __future__ import annotations

import ctypes
import os
import signal
import stat
import sys
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

# For a loop to end by itself once the host has gone: a step, an evaluation in it, and the saving.
GRACE_SECONDS = 20.0

_PR_SET_PDEATHSIG = 1  # linux/prctl.h


class StopRequest:
    """Whether the loop was asked to stop, and whether it has been told. Called, it is ``should_stop``."""

    def __init__(self) -> None:
        self._asked = threading.Event()
        self.was_heard = False

    def __call__(self) -> bool:
        """Return True from the moment the loop should stop."""
        if self._asked.is_set():
            self.was_heard = True
        return self.was_heard

    def ask(self) -> None:
        """Ask the loop to stop at its next step."""
        self._asked.set()


def stop_on_signals(stop: StopRequest) -> None:
    """Let SIGTERM, SIGINT and SIGHUP ask for a stop instead of ending the process in the middle of a step."""
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        if number == signal.SIGTERM or signal.getsignal(number) is not signal.SIG_IGN:  # nohup means it
            signal.signal(number, lambda *_: stop.ask())


def stop_with_host(host: int, stop: StopRequest) -> None:
    """Ask for a stop when the host, the parent process ``host``, dies: where Linux tells, at once.

    Behind the life line, for the case that somebody else holds its other end open.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    if os.getppid() != host:  # it died before it could be watched
        stop.ask()


class LifeLine:
    """Watch the pipe on standard input, whose other end the host holds open as long as it lives.

    At its end a stop is asked; where the loop has not come back ``grace`` seconds later, ``on_overdue`` is
    called, once. Standard input becomes empty, so that nothing else can read the pipe.
    """

    def __init__(self, stop: StopRequest, *, grace: float, on_overdue: Callable[[], None]) -> None:
        self._stop = stop
        self._grace = grace
        self._on_overdue = on_overdue
        self._released = threading.Event()
        self.is_cut = False

    def watch(self) -> None:
        """Start to watch. Where standard input is no pipe there is no host, and nothing to watch."""
        try:
            is_pipe = stat.S_ISFIFO(os.fstat(0).st_mode)
        except OSError:  # closed
            return
        if not is_pipe:
            return
        pipe = os.dup(0)
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, 0)
        os.close(nothing)
        threading.Thread(target=self._wait, args=(pipe,), name="envkit-life-line", daemon=True).start()

    def release(self) -> None:
        """Say that the loop has come back: nothing is overdue any more."""
        self._released.set()

    def _wait(self, pipe: int) -> None:
        while os.read(pipe, 4096):
            pass  # nobody writes; only the end of the pipe means anything
        self.is_cut = True
        self._stop.ask()
        if not self._released.wait(self._grace):
            self._on_overdue()


def kill_group() -> None:
    """End every process of this worker's group at once, this one among them, if it leads its own session.

    One that does not was started by hand, and shares its group with a shell's job.
    """
    if os.getsid(0) == os.getpid():
        os.killpg(0, signal.SIGKILL)
