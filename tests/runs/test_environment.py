"""The whole way of a run: a host process, a worker in an environment of its own, and what can befall both."""

from __future__ import annotations

import contextlib
import json
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from echo import echo_request, living_processes, wait_until

from envkit.api import UsageError
from envkit.api.events import AnyEvent, Done, Hello, Message, Step
from envkit.runs.conduct import run_worker
from envkit.runs.folder import create_run, read_status
from envkit.runs.follow import EventTail

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from envkit.api.records import RunResult
    from envkit.worker.folder import RunFolder

pytestmark = pytest.mark.slow

HOST = """
import sys
from pathlib import Path
from envkit.runs.conduct import run_worker
from envkit.worker.folder import RunFolder
result = run_worker(RunFolder(Path(sys.argv[1])), on_event=lambda event: None, grace=float(sys.argv[2]))
sys.exit(130 if result.status == "cancelled" else 0)
"""


@contextlib.contextmanager
def host_process(folder: RunFolder, *, grace: float = 20.0) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """Run a host of its own; give it and its worker's process id once the worker has made two steps."""
    host = subprocess.Popen([sys.executable, "-c", HOST, str(folder.path), str(grace)])
    try:
        wait_until(lambda: any(isinstance(event, Step) and event.step == 2 for event in events_of(folder)))
        yield host, worker_of(folder)
    finally:
        host.kill()
        host.wait()


def events_of(folder: RunFolder) -> list[AnyEvent]:
    return EventTail(folder.events_file).read()


def worker_of(folder: RunFolder) -> int:
    (pid,) = [event.pid for event in events_of(folder) if isinstance(event, Hello)]
    return pid


def result_of(folder: RunFolder) -> RunResult:
    result = folder.read_result()
    assert result is not None
    return result


@pytest.fixture
def make_run(tmp_path: Path, echo_python: Path) -> Any:
    def make(**options: Any) -> RunFolder:
        return create_run(echo_request(python=echo_python, **options), runs_dir=tmp_path / "runs")

    return make


def test_run_in_an_environment_leaves_a_model_that_says_what_it_is(make_run: Any, echo_python: Path) -> None:
    folder = make_run(steps=4, noise=True, child=True)

    events: list[AnyEvent] = []
    result = run_worker(folder, on_event=events.append)

    assert result.status == "finished"
    (hello,) = [event for event in events if isinstance(event, Hello)]
    assert hello.python == str(echo_python)
    wait_until(lambda: not living_processes(hello.pid))
    assert "4 steps, iniconfig is here" in [event.text for event in events if isinstance(event, Message)]
    assert sum(isinstance(event, Done) for event in events) == 1  # the printed one counts for nothing
    record = json.loads((folder.model_dir / "envkit.json").read_bytes())
    assert record["task"] == "echo"
    assert record["plugin"] == {"distribution": "envkit-echo", "version": "0.1.0"}
    assert record["environment"]["name"] == "echo-env"
    assert "| dev/echo_score | 1.0000 |" in (folder.model_dir / "README.md").read_text()


@pytest.mark.parametrize(
    ("fault", "exit_code", "message", "hint"),
    [
        ("data", 2, "echo.txt:3: there is nothing to echo", "Write something"),
        ("raise", 5, "envkit-echo 0.1.0 failed: KeyError", "https://example.org/envkit-echo/issues"),
        ("exit", 5, "envkit-echo 0.1.0 tried to end the process (exit code 'enough')", "the traceback to"),
        ("memory", 1, "the memory is too small for this run: MemoryError", "--batch-size 4"),
        ("cuda", 1, "CUDA out of memory. Tried to allocate 2.00 GiB", "--batch-size 4"),
    ],
)
def test_run_that_goes_wrong_fails_with_whose_turn_it_is(
    make_run: Any, fault: str, exit_code: int, message: str, hint: str
) -> None:
    result = run_worker(make_run(fault=fault), on_event=lambda event: None)

    assert result.status == "failed"
    assert result.error is not None
    assert result.error.exit_code == exit_code
    assert message in result.error.message
    assert hint in (result.error.hint or "")
    assert (result.error.traceback is not None) == (exit_code == 5)
    if result.error.traceback is not None:
        assert "envkit_echo" in result.error.traceback.splitlines()[1]  # and not how the worker came there


def test_run_whose_plugin_ends_the_process_crashes_with_the_end_of_its_log(make_run: Any) -> None:
    folder = make_run(fault="os-exit", noise=True)

    result = run_worker(folder, on_event=lambda event: None)

    assert result.status == "crashed"
    assert result.error is not None
    assert "exit code 3" in result.error.message
    assert (result.error.traceback or "").endswith("last words")
    assert read_status(folder) == "crashed"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_signal_to_the_host_stops_the_loop_at_its_next_step(make_run: Any, number: signal.Signals) -> None:
    folder = make_run(steps=1000, pause=0.05, child=True)

    with host_process(folder) as (host, worker):
        host.send_signal(number)
        assert host.wait(timeout=10) == 130

    assert result_of(folder).status == "cancelled"
    assert 2 <= result_of(folder).metrics["dev/support"] < 1000
    assert (folder.model_dir / "count.txt").exists()
    wait_until(lambda: not living_processes(worker))


def test_second_interrupt_kills_a_loop_that_does_not_listen(make_run: Any) -> None:
    folder = make_run(steps=1000, pause=0.05, deaf=True, child=True)

    with host_process(folder) as (host, worker):
        host.send_signal(signal.SIGINT)
        with pytest.raises(subprocess.TimeoutExpired):
            host.wait(timeout=0.5)
        host.send_signal(signal.SIGINT)
        assert host.wait(timeout=5) == 130

    assert result_of(folder).status == "cancelled"
    wait_until(lambda: not living_processes(worker))


def test_host_killed_lets_the_worker_save_and_leave_nothing_behind(make_run: Any) -> None:
    folder = make_run(steps=1000, pause=0.05, child=True)

    with host_process(folder) as (host, worker):
        host.kill()
        wait_until(lambda: not living_processes(worker))
        # Its first thread can be gone while another still closes its files, the lock among them.
        wait_until(lambda: read_status(folder) != "running")

    assert result_of(folder).status == "cancelled"
    assert result_of(folder).model_dir == "model"
    assert isinstance(events_of(folder)[-1], Done)
    assert read_status(folder) == "cancelled"


def test_host_killed_ends_a_loop_that_does_not_listen_after_its_grace(make_run: Any) -> None:
    folder = make_run(steps=1000, pause=0.05, deaf=True, child=True)

    with host_process(folder, grace=0.5) as (host, worker):
        host.kill()
        wait_until(lambda: not living_processes(worker))

    assert result_of(folder).status == "cancelled"
    assert result_of(folder).model_dir is None
    assert isinstance(events_of(folder)[-1], Done)


def test_second_worker_in_a_folder_is_refused_and_harms_nothing(make_run: Any, echo_python: Path) -> None:
    folder = make_run(steps=40, pause=0.05)

    with host_process(folder) as (host, worker):
        assert read_status(folder) == "running"
        with pytest.raises(UsageError, match=rf"another worker \(process {worker}\) is at work"):
            run_worker(folder, on_event=lambda event: None)
        second = subprocess.run(
            [echo_python, "-I", "-m", "envkit.worker", folder.path],
            capture_output=True,
            text=True,
            check=False,
            stdin=subprocess.DEVNULL,
        )
        assert host.wait(timeout=10) == 0

    assert second.returncode == 2
    assert f"another worker (process {worker}) is at work" in second.stderr
    assert result_of(folder).status == "finished"
    assert sum(isinstance(event, Hello) for event in events_of(folder)) == 1


def test_run_that_was_cancelled_starts_again_in_its_folder(make_run: Any) -> None:
    folder = make_run(steps=30, pause=0.05)
    with host_process(folder) as (host, _):
        host.send_signal(signal.SIGINT)
        host.wait(timeout=10)
    assert read_status(folder) == "cancelled"

    events: list[AnyEvent] = []
    result = run_worker(folder, on_event=events.append)

    assert result.status == "finished"
    assert [type(event) for event in events].count(Hello) == 1
    assert result_of(folder) == result
