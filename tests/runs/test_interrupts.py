"""Which signals count, and what each does to the worker."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading

import pytest

from envkit.runs.interrupts import Interrupts
from envkit.runs.launch import Worker

LISTENS = (
    "import signal, sys; signal.signal(15, lambda *_: sys.exit(7)); print('up', flush=True); signal.pause()"
)
IS_DEAF = "import signal; signal.signal(15, signal.SIG_IGN); print('up', flush=True); signal.pause()"


def start(code: str) -> tuple[subprocess.Popen[bytes], Worker]:
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, start_new_session=True)
    assert process.stdout is not None
    assert process.stdout.readline() == b"up\n"
    process.stdout.close()
    return process, Worker(process)


def test_interrupt_before_the_worker_has_come_reaches_it_then() -> None:
    with Interrupts() as interrupts:
        os.kill(os.getpid(), signal.SIGINT)
        process, worker = start(LISTENS)
        interrupts.watch_over(worker)

        assert process.wait(timeout=10) == 7
        assert interrupts.count == 1


@pytest.mark.parametrize(("seconds_between", "count", "ends"), [(0.05, 1, False), (1.0, 2, True)])
def test_second_interrupt_kills_unless_it_is_an_echo_of_the_first(
    seconds_between: float, count: int, ends: bool
) -> None:
    clock = iter([10.0, 10.0 + seconds_between])
    process, worker = start(IS_DEAF)
    with Interrupts(now=lambda: next(clock)) as interrupts:
        interrupts.watch_over(worker)

        os.kill(os.getpid(), signal.SIGTERM)
        os.kill(os.getpid(), signal.SIGHUP)

        assert interrupts.count == count
        if not ends:
            assert worker.is_alive()
            worker.kill()
    assert worker.clear() == -signal.SIGKILL
    assert process.returncode == -signal.SIGKILL


def test_interrupts_give_the_handlers_back() -> None:
    before = signal.getsignal(signal.SIGTERM)

    with Interrupts():
        assert signal.getsignal(signal.SIGTERM) is not before

    assert signal.getsignal(signal.SIGTERM) is before


def test_interrupts_leave_alone_a_signal_that_nohup_ignores() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with Interrupts():
            assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


def test_interrupts_outside_the_main_thread_take_no_signals() -> None:
    before = signal.getsignal(signal.SIGINT)
    seen: list[object] = []

    def enter() -> None:
        with Interrupts():
            seen.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=enter)
    thread.start()
    thread.join()

    assert seen == [before]
