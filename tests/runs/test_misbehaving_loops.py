"""Loops that misbehave are told by the plugin's name, through real workers in this interpreter."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import msgspec
import pytest
from echo import echo_request, wait_until
from small_distributions import SOUND_TASK, small_task

from envkit.api.events import AnyEvent, Hello, Message
from envkit.api.records import PluginRecord, RunRequest, RunResult
from envkit.runs.conduct import describe_death, run_worker
from envkit.runs.folder import create_run
from envkit.runs.leftovers import living_members

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from envkit.worker.folder import RunFolder

END = '    return Result(metrics={"dev/score": 1.0})'
NAME = "envkit-naughty 1.0"


def request_of(task: str = "naughty") -> RunRequest:
    plugin = PluginRecord(distribution=f"envkit-{task}", version="1.0")
    return msgspec.structs.replace(echo_request(), task=task, plugin=plugin, options={}, headline="score")


def run_loop(
    tmp_path: Path,
    *lines: str,
    quiet_seconds: tuple[float, ...] = (60.0,),
    memory_kills: Callable[[], int | None] = lambda: None,
    on_event: Callable[[AnyEvent], None] = lambda event: None,
) -> tuple[RunFolder, RunResult, list[AnyEvent]]:
    """Run a loop of these lines; return folder, result and all that the host heard and said."""
    body = "".join(f"    {line}\n" for line in lines)
    small_task("naughty", module=SOUND_TASK.replace(END, body + END)).install(tmp_path / "site")
    folder = create_run(request_of(), run_dir=tmp_path / "run")
    events: list[AnyEvent] = []

    def take(event: AnyEvent) -> None:
        events.append(event)
        on_event(event)

    result = run_worker(
        folder,
        on_event=take,
        environ={**os.environ, "PYTHONPATH": str(tmp_path / "site")},
        quiet_seconds=quiet_seconds,
        memory_kills=memory_kills,
    )
    return folder, result, events


def messages(events: list[AnyEvent]) -> str:
    return "\n".join(event.text for event in events if isinstance(event, Message))


@pytest.mark.slow
def test_loop_that_hangs_is_told_and_ended_only_when_the_user_asks_twice(tmp_path: Path) -> None:
    def interrupt(event: AnyEvent) -> None:
        if isinstance(event, Message) and "Nothing has been heard" in event.text:
            os.kill(os.getpid(), signal.SIGINT)

    _, result, events = run_loop(
        tmp_path,
        "import time",
        "while True: time.sleep(1)",
        quiet_seconds=(1.0, 2.0, 3.0),  # the worker has begun by then
        on_event=interrupt,
    )

    assert result.status == "cancelled"
    assert messages(events).count("Nothing has been heard") == 2  # asked once, it did not stop
    assert f"Nothing has been heard of {NAME} for 1 s. Ctrl-C stops it" in messages(events)


@pytest.mark.slow
@pytest.mark.parametrize(("line", "code"), [("os._exit(0)", 0), ("os._exit(7)", 7)])
def test_loop_that_ends_the_process_is_told_with_the_plugin(tmp_path: Path, line: str, code: int) -> None:
    _, result, _ = run_loop(tmp_path, "import os", line)

    assert result.status == "crashed" and result.error is not None
    assert f"exit code {code} before the run was over: {NAME}" in result.error.message


@pytest.mark.slow
def test_loop_that_calls_exit_is_told_with_the_plugin_and_its_tracker(tmp_path: Path) -> None:
    _, result, _ = run_loop(tmp_path, "raise SystemExit(0)")

    assert result.status == "failed" and result.error is not None
    assert (
        result.error.message == f"{NAME} tried to end the process (exit code 0) instead of returning a Result"
    )
    assert "https://example.org/envkit-naughty/issues" in str(result.error.hint)
    assert result.error.exit_code == 5


@pytest.mark.slow
def test_loop_that_leaves_children_is_told_and_they_are_ended(tmp_path: Path) -> None:
    _, result, events = run_loop(
        tmp_path, "import os, subprocess, time", "subprocess.Popen(['sleep', '300'])", "if os.fork() == 0: time.sleep(300)"
    )  # fmt: skip

    assert result.status == "finished"
    assert f"{NAME} left 2 processes (" in messages(events)
    hello = next(event for event in events if isinstance(event, Hello))
    wait_until(lambda: not living_members(hello.pid))


@pytest.mark.slow
def test_loop_that_floods_its_output_ends_with_a_bounded_log_that_says_so(tmp_path: Path) -> None:
    folder, result, events = run_loop(
        tmp_path,
        "import time",
        "print('the first line')",
        "for _ in range(80): print('x' * 1_000_000)",
        "time.sleep(1)",
        "print('the last line')",
    )

    assert result.status == "finished"
    text = folder.log_file.read_bytes()
    assert len(text) < 20_000_000
    assert b"the first line" in text and text.endswith(b"the last line\n")
    assert b"bytes were left out here" in text
    assert messages(events).count(f"{NAME} floods its log") == 1


@pytest.mark.slow
def test_loop_that_deletes_its_run_folder_is_told_at_once_and_at_the_end(tmp_path: Path) -> None:
    folder, result, events = run_loop(
        tmp_path, "import shutil, time", "shutil.rmtree(run.run_dir)", "time.sleep(0.5)"
    )

    assert result.status == "crashed" and result.error is not None
    assert f"the run folder was removed while {NAME} was at work: {folder.path}" in result.error.message
    assert "The run folder is gone" in messages(events)


@pytest.mark.slow
def test_loop_that_the_system_ends_for_its_memory_is_told_as_that(tmp_path: Path) -> None:
    counts = iter((8, 9))

    _, result, _ = run_loop(
        tmp_path, "import os", "os.kill(os.getpid(), 9)", memory_kills=lambda: next(counts)
    )

    assert result.error is not None
    assert (
        result.error.message
        == f"the worker of {NAME} was killed by SIGKILL, by the system because memory ran out"
    )
    assert "Use a smaller model" in str(result.error.hint)


@pytest.mark.slow
def test_loop_that_gets_no_more_memory_is_told_as_that(tmp_path: Path) -> None:
    _, result, _ = run_loop(
        tmp_path,
        "import resource",
        "resource.setrlimit(resource.RLIMIT_AS, (2**30, 2**30))",
        "eaten = [bytearray(2**24) for _ in range(1000)]",
    )

    assert result.status == "failed" and result.error is not None
    assert "the memory is too small for this run" in result.error.message


@pytest.mark.slow
def test_loop_that_uses_what_goes_away_is_warned_of_once(tmp_path: Path) -> None:
    line = "deprecated('steps(1)', removed_in='2.0', instead='steps(2)', stacklevel=0)"
    _, result, events = run_loop(tmp_path, "from envkit.api import deprecated", line, line)

    assert result.status == "finished"
    assert messages(events).count(f"{NAME}: steps(1) goes away in envkit 2.0: use steps(2)") == 1


@pytest.mark.parametrize("code", [-signal.SIGKILL, 137])
def test_describe_death_by_kill_is_told_as_lack_of_memory_also_through_a_shell(
    tmp_path: Path, code: int
) -> None:
    folder = create_run(request_of(), run_dir=tmp_path / "run")

    likely = describe_death(code, folder, request=request_of())
    sure = describe_death(code, folder, request=request_of(), is_out_of_memory=True)

    assert likely.message.endswith("killed by SIGKILL, most likely by the system because memory ran out")
    assert sure.message.endswith("killed by SIGKILL, by the system because memory ran out")
