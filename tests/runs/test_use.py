"""A saved model in a worker of its own, in this interpreter."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import msgspec
import pytest
from echo import living_processes, wait_until
from echo_model import HERE, predict_request, save_echo_model

from envkit.api import EnvError, UsageError
from envkit.api.events import AnyEvent, Hello, Message
from envkit.runs.use import UseEnd, use_model

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from envkit.worker.use_request import AnyUse


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return save_echo_model(tmp_path / "model")


def do(
    request: AnyUse,
    folder: Path,
    environ: Mapping[str, str],
    *,
    on_event: Callable[[AnyEvent], None] = lambda _: None,
) -> tuple[UseEnd, str]:
    with (folder / "out").open("wb") as results:
        end = use_model(request, results=results.fileno(), on_event=on_event, environ=environ)
    return end, (folder / "out").read_text()


def test_use_model_gives_rows_alone_whatever_libraries_print(
    model: Path, tmp_path: Path, echo_environ: dict[str, str], capfd: pytest.CaptureFixture[str]
) -> None:
    events: list[AnyEvent] = []

    end, out = do(predict_request(model, "say", "good"), tmp_path, echo_environ, on_event=events.append)

    assert end == UseEnd(status="finished")
    assert [line.partition(",")[0] for line in out.splitlines()] == ['{"name":"text:1"', '{"name":"text:2"']
    assert [event.text for event in events if isinstance(event, Message)] == [
        "what was guessed",
        "what was doubtful",
    ]
    (worker,) = [event.pid for event in events if isinstance(event, Hello)]
    assert living_processes(worker) == []
    assert capfd.readouterr() == ("", "")


@pytest.mark.slow
def test_use_model_that_crashes_shows_what_was_printed_and_leaves_no_process(
    model: Path, tmp_path: Path, echo_environ: dict[str, str]
) -> None:
    events: list[AnyEvent] = []

    end, out = do(predict_request(model, "fork", "kill"), tmp_path, echo_environ, on_event=events.append)

    assert end.status == "failed"
    assert end.error is not None
    assert "was killed by SIGKILL, most likely by the system because memory ran out" in end.error.message
    assert end.error.traceback is not None
    assert end.error.traceback.splitlines() == ["a library says hello", "and a child", "last words"]
    assert len(out.splitlines()) == 1
    (worker,) = [event.pid for event in events if isinstance(event, Hello)]
    assert living_processes(worker) == []


def test_use_model_is_stopped_by_an_interrupt_in_the_middle(
    model: Path, tmp_path: Path, echo_environ: dict[str, str]
) -> None:
    events: list[AnyEvent] = []

    def interrupt(event: AnyEvent) -> None:
        events.append(event)
        if isinstance(event, Message):
            os.kill(os.getpid(), signal.SIGINT)

    end, _ = do(predict_request(model, "say", "sleep 60"), tmp_path, echo_environ, on_event=interrupt)

    assert end == UseEnd(status="stopped")


def test_use_model_in_an_environment_without_envkit_says_that_it_did_not_start(
    model: Path, tmp_path: Path, echo_environ: dict[str, str]
) -> None:
    request = msgspec.structs.replace(
        predict_request(model, "good"),
        environment=msgspec.structs.replace(HERE, kind="venv", python="/bin/false"),
    )

    end, _ = do(request, tmp_path, echo_environ)

    assert end.error is not None
    assert end.error.message == "the process for the model did not start (exit code 1)"
    assert "--env auto" in (end.error.hint or "")


def test_use_model_whose_interpreter_is_gone_names_it(
    model: Path, tmp_path: Path, echo_environ: dict[str, str]
) -> None:
    gone = msgspec.structs.replace(HERE, python="/gone/bin/python")

    with pytest.raises(EnvError, match="/gone/bin/python"):
        do(msgspec.structs.replace(predict_request(model, "a"), environment=gone), tmp_path, echo_environ)


def test_use_model_on_text_that_is_no_utf8_is_a_usage_error(
    model: Path, tmp_path: Path, echo_environ: dict[str, str]
) -> None:
    with pytest.raises(UsageError, match="is not UTF-8"):
        do(predict_request(model, "caf\udce9"), tmp_path, echo_environ)


def test_use_model_dies_with_its_host_and_with_it_what_it_started(
    model: Path, tmp_path: Path, echo_environ: dict[str, str]
) -> None:
    host = (
        "import os, sys; from pathlib import Path; from envkit.runs.use import use_model\n"
        "from envkit.api.events import Hello; from echo_model import predict_request\n"
        "def tell(event):\n"
        "    if isinstance(event, Hello): print(event.pid, flush=True)\n"
        "use_model(predict_request(Path(sys.argv[1]), 'fork', 'sleep 60'), results=os.dup(1), on_event=tell)"
    )
    tests = os.path.dirname(os.path.dirname(__file__))  # noqa: PTH120
    path = f"{echo_environ['PYTHONPATH']}:{tests}"
    with subprocess.Popen(
        [sys.executable, "-c", host, str(model)],
        env={**echo_environ, "PYTHONPATH": path},
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        worker = int(process.stdout.readline())
        process.stdout.readline()  # the row of the text that forks
        assert len(living_processes(worker)) == 2

        process.kill()

        wait_until(lambda: living_processes(worker) == [])


@pytest.mark.slow
def test_use_model_in_an_environment_of_its_own_needs_nothing_of_the_hosts(
    model: Path, tmp_path: Path, echo_python: Path
) -> None:
    environment = msgspec.structs.replace(HERE, kind="venv", name="echo-env", python=str(echo_python))
    request = msgspec.structs.replace(predict_request(model, "good"), environment=environment)

    end, out = do(request, tmp_path, {**os.environ, "PYTHONPATH": "/nowhere"})

    assert (end.status, out.count("GOOD")) == ("finished", 1)
