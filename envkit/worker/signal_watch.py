"""Hear signals at once, also while the main thread is deep in native code."""

from __future__ import annotations

import os
import signal
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


def watch_signals(on_signal: Callable[[int], object]) -> None:
    """Call ``on_signal`` in a thread of its own with 1 for the first signal that asks for an end, then with 2, …

    Call it in the main thread. The first process of a container has no default of its own for SIGTERM: without
    this, it would be killed. Python's own handlers wait for the main thread, which a model that loads keeps.
    """
    heard, told = os.pipe()
    os.set_blocking(told, False)
    for number in _SIGNALS:
        # A shell's & leaves SIGINT ignored, nohup SIGHUP, and both mean it.
        if number == signal.SIGTERM or signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, lambda *_: None)
    signal.set_wakeup_fd(told, warn_on_full_buffer=False)
    threading.Thread(target=_listen, args=(heard, on_signal), name="envkit-signals", daemon=True).start()


def _listen(heard: int, on_signal: Callable[[int], object]) -> None:
    count = 0
    while number := os.read(heard, 1):
        if number[0] in _SIGNALS:  # a plugin's own handlers write here too
            count += 1
            on_signal(count)
