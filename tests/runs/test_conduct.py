"""A run from its start to its end, through a real worker in this interpreter."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from echo import echo_request, living_processes, wait_until

from envkit.api import EnvError, UsageError
from envkit.api.events import AnyEvent, Done, Failed, Hello, Message, Metrics, Phase, Plan, Step
from envkit.api.records import EnvironmentUse, RunResult
from envkit.environments.flock import lock_shared, try_lock
from envkit.runs.conduct import describe_death, run_worker
from envkit.runs.folder import create_run, read_status

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from envkit.worker.folder import RunFolder

pytestmark = pytest.mark.slow


def conduct(
    tmp_path: Path,
    environ: Mapping[str, str],
    *,
    on_event: Callable[[AnyEvent], None] | None = None,
    **options: Any,
) -> tuple[RunFolder, RunResult, list[AnyEvent]]:
    folder = create_run(echo_request(**options), run_dir=tmp_path / "run")
    events: list[AnyEvent] = []

    def take(event: AnyEvent) -> None:
        events.append(event)
        if on_event is not None:
            on_event(event)

    return folder, run_worker(folder, on_event=take, environ=environ), events


def test_run_worker_to_the_end_reports_every_step_and_records_the_result(
    tmp_path: Path, echo_environ: dict[str, str]
) -> None:
    environ = {**echo_environ, "PYTHONIOENCODING": "latin-1"}

    folder, result, events = conduct(tmp_path, environ, steps=3, noise=True)

    assert result == folder.read_result()
    assert result.status == "finished"
    assert result.metrics == {"dev/echo_score": 1.0, "dev/support": 3.0}
    assert result.model_dir == "model"
    assert list(result.seconds) == ["environment", "read", "load", "train", "evaluate"]
    assert result.seconds["environment"] == 1.5
    assert result.tables[0].rows == [["echo", 3, 1.0]]
    assert [type(event) for event in events] == [
        *(Hello, Phase, Message, Phase, Message, Plan, Phase, Step, Step, Step, Phase, Metrics, Done)
    ]
    assert [event.step for event in events if isinstance(event, Step)] == [1, 2, 3]
    assert (folder.model_dir / "count.txt").read_text() == "3\n"
    assert b"raw bytes" in folder.log_file.read_bytes()
    assert read_status(folder) == "finished"


def test_run_worker_with_a_lock_to_inherit_holds_it_when_the_host_lets_go(
    tmp_path: Path, echo_environ: dict[str, str]
) -> None:
    file = tmp_path / "env.in-use"
    hold = lock_shared(file)
    taken: list[bool] = []

    def let_go(event: AnyEvent) -> None:
        if isinstance(event, Step) and event.step == 1:
            hold.release()
            lock = try_lock(file, shared=False)
            taken.append(lock is not None)

    folder = create_run(echo_request(steps=2, pause=0.3), run_dir=tmp_path / "run")
    result = run_worker(folder, on_event=let_go, environ=echo_environ, inherited=[hold.fileno()])

    assert result.status == "finished"
    assert taken == [False]
    assert try_lock(file, shared=False) is not None


def test_run_worker_with_bad_data_fails_with_the_data_errors_exit_code(
    tmp_path: Path, echo_environ: dict[str, str]
) -> None:
    folder, result, events = conduct(tmp_path, echo_environ, fault="data")

    assert result.status == "failed"
    assert result.error is not None
    assert result.error.message == "echo.txt:3: there is nothing to echo"
    assert result.error.hint == "Write something into it"
    assert result.error.exit_code == 2
    assert result.error.traceback is None
    assert isinstance(events[-1], Failed)
    assert not folder.model_dir.exists()


def test_run_worker_interrupted_once_stops_at_the_next_step(
    tmp_path: Path, echo_environ: dict[str, str]
) -> None:
    def interrupt(event: AnyEvent) -> None:
        if isinstance(event, Step) and event.step == 2:
            os.kill(os.getpid(), signal.SIGINT)

    _folder, result, events = conduct(tmp_path, echo_environ, on_event=interrupt, steps=500, pause=0.02)

    assert result.status == "cancelled"
    assert result.error is None
    assert result.metrics["dev/support"] < 500
    assert any(isinstance(event, Message) and "Stopping" in event.text for event in events)
    assert isinstance(events[-1], Done)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_run_worker_whose_worker_is_killed_records_a_crash_and_a_second_try_works(
    tmp_path: Path, echo_environ: dict[str, str]
) -> None:
    folder, result, events = conduct(tmp_path, echo_environ, steps=2, fault="kill", child=True)

    assert result == folder.read_result()
    assert result.status == "crashed"
    assert result.error is not None
    assert "SIGKILL" in result.error.message
    assert "--batch-size 4" in (result.error.hint or "")
    assert result.seconds["environment"] == 1.5
    hello = events[0]
    assert isinstance(hello, Hello)
    wait_until(lambda: not living_processes(hello.pid))

    request = folder.read_request()
    folder.write_request(msgspec.structs.replace(request, options={**request.options, "fault": "none"}))
    again: list[AnyEvent] = []
    result = run_worker(folder, on_event=again.append, environ=echo_environ)

    assert result.status == "finished"
    assert [type(event) for event in again].count(Hello) == 1

    with pytest.raises(UsageError, match="is finished"):
        run_worker(folder, on_event=again.append, environ=echo_environ)


def test_run_worker_without_an_interpreter_names_the_environment(tmp_path: Path) -> None:
    lost = EnvironmentUse(kind="venv", name="gone", python=str(tmp_path / "python"), reason="")
    request = msgspec.structs.replace(echo_request(), environment=lost)
    folder = create_run(request, run_dir=tmp_path / "run")

    with pytest.raises(EnvError, match="the environment gone does not start"):
        run_worker(folder, on_event=lambda event: None)


def test_run_worker_where_the_environment_lacks_the_plugin_says_so(tmp_path: Path) -> None:
    environ = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}

    _, result, _ = conduct(tmp_path, environ)

    assert result.error is not None
    assert result.error.exit_code == 6
    assert "has no plugin for 'echo': envkit-echo 0.1.0 was expected" in result.error.message


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (3, "exit code 3"),
        (0, "exit code 0"),
        (-signal.SIGSEGV, "killed by SIGSEGV"),
        (-signal.SIGKILL, "because memory ran out"),
        (-64, "killed by"),
    ],
)
def test_describe_death_says_what_killed_the_worker_and_shows_its_log(
    tmp_path: Path, code: int, words: str
) -> None:
    request = echo_request()
    folder = create_run(request, run_dir=tmp_path / "run")
    folder.log_file.write_bytes(b"an earlier worker\nlast words\n")

    error = describe_death(code, folder, request=request, log_start=len(b"an earlier worker\n"))

    assert words in error.message
    assert error.traceback == "last words"
    assert str(folder.log_file) in (error.hint or "")
