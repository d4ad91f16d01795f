"""What makes a worker stop."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest
from echo import living_processes, wait_until

from envkit.worker.stop import StopRequest

WATCH = """
import os, sys, time
from envkit.worker.stop import LifeLine, StopRequest
stop = StopRequest()
overdue = []
line = LifeLine(stop, grace=float(sys.argv[1]), on_overdue=lambda: overdue.append(True))
line.watch()
print(os.read(0, 1), stop(), flush=True)  # what anybody else finds on standard input
while not stop():
    time.sleep(0.01)
if sys.argv[2] == "listens":
    line.release()
time.sleep(0.2)
print(line.is_cut, overdue)
"""


def test_stop_request_remembers_whether_it_was_heard() -> None:
    stop = StopRequest()

    assert not stop()
    stop.ask()
    assert not stop.was_heard
    assert stop()
    assert stop.was_heard


@pytest.mark.slow
@pytest.mark.parametrize(("loop", "overdue"), [("listens", "[]"), ("does not", "[True]")])
def test_life_line_that_ends_asks_for_a_stop_and_waits_for_its_grace(loop: str, overdue: str) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", WATCH, "0.05", loop], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stdout.readline() == "b'' False\n"

        process.stdin.close()

        assert process.stdout.readline() == f"True {overdue}\n"


def test_life_line_without_a_pipe_watches_nothing() -> None:
    code = (
        "import time; from envkit.worker.stop import LifeLine, StopRequest\n"
        "stop = StopRequest(); LifeLine(stop, grace=0, on_overdue=lambda: None).watch()\n"
        "time.sleep(0.1); print(stop())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True
    )

    assert done.stdout == "False\n"


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a process of its parent's death")
def test_host_that_dies_while_another_holds_the_life_line_still_stops_the_worker() -> None:
    # The host hands the open end of the pipe to a child that outlives it: no end of file ever comes.
    worker = (
        "import os, sys, time; from envkit.worker.stop import *\n"
        "stop = StopRequest(); stop_on_signals(stop); stop_with_host(int(sys.argv[1]), stop)\n"
        "print(os.getpid(), flush=True)\n"
        "while not stop(): time.sleep(0.01)"
    )
    host = (
        "import os, subprocess, sys, time\n"
        "inside, outside = os.pipe()\n"
        "subprocess.Popen([sys.executable, '-c', sys.argv[1], str(os.getpid())], stdin=inside, start_new_session=True)\n"
        "holder = subprocess.Popen(['sleep', '60'], pass_fds=[outside], stdout=2)\n"
        "print(holder.pid, flush=True)\n"
        "time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", host, worker], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        pids = {int(process.stdout.readline()) for _ in range(2)}
        (worker_pid,) = [pid for pid in pids if os.getpgid(pid) == pid]
        (holder_pid,) = pids - {worker_pid}
        process.kill()
        try:
            wait_until(lambda: not living_processes(worker_pid))
        finally:
            os.kill(holder_pid, signal.SIGKILL)


def test_host_that_died_before_it_could_be_watched_stops_the_worker() -> None:
    code = (
        "from envkit.worker.stop import *\nstop = StopRequest(); stop_with_host(1 << 22, stop); print(stop())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout == "True\n"
