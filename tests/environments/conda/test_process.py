"""The process that uses rattler: kept from planning to installing, and gone whenever it should be."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import pytest
from conda_prefixes import context, install, request

from envkit.environments.conda.backend import CondaBackend
from envkit.environments.conda.process import RattlerProcess, RattlerProcesses
from envkit.environments.flock import lock_exclusively, try_lock

if TYPE_CHECKING:
    from collections.abc import Mapping

    from conda_channel import LocalChannel

PLANNED = """
import sys, time, msgspec
from envkit.api import BackendContext, BaseRequest
from envkit.environments.conda.backend import CondaBackend
from envkit.environments.conda.process import RattlerProcess, RattlerProcesses

def start(environ):
    process = RattlerProcess(environ)
    print(process.pid, flush=True)
    return process

backend = CondaBackend(processes=RattlerProcesses(start))
at = msgspec.json.decode(sys.argv[2], type=BackendContext, dec_hook=lambda kind, text: kind(text))
backend.plan(msgspec.json.decode(sys.argv[1], type=BaseRequest), context=at)
print("planned", flush=True)
time.sleep(float(sys.argv[3]))
"""

AHEAD = """
import os, time
from envkit.environments.conda.process import PROCESSES, start_ahead

start_ahead()
with PROCESSES.lend(os.environ, keeps=True) as process:
    print(process.pid, flush=True)
time.sleep(60)
"""


class Started:
    """A conda backend, and the processes that it started."""

    def __init__(self) -> None:
        self.pids: list[int] = []
        self.backend = CondaBackend(processes=RattlerProcesses(self.start))

    def start(self, environ: Mapping[str, str]) -> RattlerProcess:
        process = RattlerProcess(environ)
        self.pids.append(process.pid)
        return process


def _is_alive(pid: int) -> bool:
    if Path("/proc/self/stat").exists():
        stat = Path(f"/proc/{pid}/stat")
        # Nobody may have asked yet how it ended.
        return stat.exists() and stat.read_text().rpartition(")")[2].split()[0] != "Z"
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def _wait_until_gone(pid: int) -> None:
    began = time.monotonic()
    while _is_alive(pid):
        assert time.monotonic() - began < 5, "it is still there"
        time.sleep(0.02)


def test_lend_second_time_lends_the_same_and_other_variables_another() -> None:
    processes, environ = RattlerProcesses(), {"PATH": os.environ["PATH"]}
    with processes.lend(environ, keeps=True) as first:
        pass
    with processes.lend(environ, keeps=True) as second:
        pass
    with processes.lend({**environ, "HTTPS_PROXY": "http://proxy"}, keeps=False) as third:
        assert not second.end.alive

    assert first is second is not third
    assert not third.end.alive


def test_lend_error_inside_ends_it() -> None:
    processes = RattlerProcesses()
    with pytest.raises(KeyboardInterrupt), processes.lend({}, keeps=True) as process:
        raise KeyboardInterrupt

    assert not process.end.alive


def test_lend_two_at_once_get_one_each() -> None:
    processes = RattlerProcesses()
    with processes.lend({}, keeps=True) as first, processes.lend({}, keeps=True) as second:
        assert first is not second

    assert [first.end.alive, second.end.alive].count(True) == 1


def test_start_ahead_twice_the_next_job_gets_the_one_that_was_started() -> None:
    started = Started()
    processes, environ = RattlerProcesses(started.start), {"PATH": os.environ["PATH"]}
    processes.start_ahead(environ)
    processes.start_ahead(environ)
    with processes.lend(environ, keeps=False) as process:
        assert started.pids == [process.pid]


def test_start_ahead_with_other_variables_than_the_job_has_is_ended_unused() -> None:
    started = Started()
    processes, environ = RattlerProcesses(started.start), {"PATH": os.environ["PATH"]}
    processes.start_ahead(environ)
    with processes.lend({**environ, "SSL_CERT_FILE": "certificates.pem"}, keeps=False) as process:
        first, second = started.pids

        assert second == process.pid
        assert not _is_alive(first)


def test_start_ahead_where_none_can_be_started_leaves_it_to_the_job_to_say_so() -> None:
    def refuse(environ: Mapping[str, str]) -> RattlerProcess:
        raise BlockingIOError("Resource temporarily unavailable")

    processes = RattlerProcesses(refuse)
    processes.start_ahead({})
    with pytest.raises(BlockingIOError), processes.lend({}, keeps=False):
        pass


def test_start_ahead_imports_nothing_of_what_the_process_need_not_wait_for() -> None:
    asked = "import sys, envkit.environments.conda.process; print(*sys.modules)"
    loaded = subprocess.check_output([sys.executable, "-c", asked], text=True).split()

    assert not {"msgspec", "envkit.api", "rattler"} & set(loaded)


def test_start_ahead_whoever_started_it_is_killed_and_so_is_it() -> None:
    with subprocess.Popen([sys.executable, "-c", AHEAD], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        ahead = int(process.stdout.readline())
        process.kill()

    _wait_until_gone(ahead)


def test_is_ready_other_folder_or_ended_is_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    process = RattlerProcess({})
    assert process.is_ready({})

    with monkeypatch.context() as patch:
        patch.chdir(tmp_path)
        assert not process.is_ready({})
    process.end()

    assert not process.is_ready({})


@pytest.mark.slow
def test_backend_kept_process_installs_and_is_gone_afterwards(
    conda_channel: LocalChannel, tmp_path: Path
) -> None:
    at, started = context(tmp_path, conda_channel.url), Started()
    base = started.backend.plan(request("wordlist"), context=at)
    started.backend.plan(request("fonts"), context=at)

    install(base, tmp_path / "env", at, backend=started.backend)

    [only] = started.pids
    assert not _is_alive(only)
    assert (tmp_path / "env/share/wordlist.txt").is_file()


@pytest.mark.slow
def test_backend_kept_process_killed_meanwhile_is_replaced(
    conda_channel: LocalChannel, tmp_path: Path
) -> None:
    at, started = context(tmp_path, conda_channel.url), Started()
    base = started.backend.plan(request("wordlist"), context=at)

    os.kill(started.pids[0], signal.SIGKILL)
    os.waitid(os.P_PID, started.pids[0], os.WEXITED | os.WNOWAIT)
    install(base, tmp_path / "env", at, backend=started.backend)

    assert len(started.pids) == 2
    assert (tmp_path / "env/share/wordlist.txt").is_file()


@pytest.mark.slow
def test_install_in_a_kept_process_holds_the_lock_while_it_writes(
    conda_channel: LocalChannel, tmp_path: Path
) -> None:
    at, backend, lock_file = context(tmp_path, conda_channel.url), CondaBackend(), tmp_path / "lock"
    base = backend.plan(request("wordlist"), context=at)
    held: list[bool] = []
    with lock_exclusively(lock_file) as lock:
        ours = lock.fileno()

        class Told:
            def step(self, text: str) -> None:
                if not text.startswith("installing"):
                    return
                lock.release()  # from here on only the process can hold it
                other = try_lock(lock_file, shared=False)
                held.append(other is None)
                if other is not None:
                    other.release()

        backend.install(base, tmp_path / "env", requested=(), context=at, progress=Told(), inherited=[ours])

    assert held and held[0]
    after = try_lock(lock_file, shared=False)
    assert after is not None
    after.release()


@pytest.mark.slow
@pytest.mark.parametrize(("sleeps", "sent"), [(60.0, signal.SIGKILL), (60.0, signal.SIGINT), (0.0, None)])
def test_plan_whoever_started_it_ends_and_so_does_the_kept_process(
    sleeps: float, sent: signal.Signals | None, conda_channel: LocalChannel, tmp_path: Path
) -> None:
    at = context(tmp_path, conda_channel.url)
    arguments = [
        msgspec.json.encode(request("wordlist")).decode(),
        msgspec.json.encode(at, enc_hook=str).decode(),
        str(sleeps),
    ]
    process = subprocess.Popen(
        [sys.executable, "-c", PLANNED, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stdout is not None and process.stderr is not None
        kept = int(process.stdout.readline())
        assert process.stdout.readline() == "planned\n"
        if sent:
            assert _is_alive(kept)
            process.send_signal(sent)
        process.wait(10)
        said = process.stderr.read()

    _wait_until_gone(kept)
    if sent is None:
        assert (process.returncode, said) == (0, "")
