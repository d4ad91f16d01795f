"""Runs that are killed and go on, through real workers in this interpreter, with a loop that counts."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from echo import echo_request, wait_until

from envkit.api import RunFailed, UsageError
from envkit.api.events import AnyEvent, Hello, Message, Refused, Step
from envkit.api.records import MetricsRecord, RunResult
from envkit.checkpoints import list_checkpoints
from envkit.runs.conduct import run_worker
from envkit.runs.folder import create_run, read_status
from envkit.runs.follow import EventTail
from envkit.runs.progress import read_progress
from envkit.worker.folder import RunFolder

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

pytestmark = pytest.mark.slow

OPTIONS = {"steps": 10, "checkpoint_every": 3}


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory, echo_environ: dict[str, str]) -> Path:
    """Return the folder of a run that was killed after 8 steps; its newest checkpoint is that of step 6."""
    place = tmp_path_factory.mktemp("killed")
    data = place / "train.txt"
    data.write_text("one\n")
    folder = create_run(echo_request(train=str(data), **OPTIONS), run_dir=place / "run")
    result = run_worker(folder, on_event=lambda event: None, environ={**echo_environ, "ECHO_DIES_AT": "8"})
    assert result.status == "crashed"
    return place


@pytest.fixture
def folder(killed: Path, tmp_path: Path) -> RunFolder:
    """Return a copy of the run that was killed; its data stay where they are."""
    shutil.copytree(killed / "run", tmp_path / "run")
    return RunFolder(tmp_path / "run")


@pytest.fixture
def resume(echo_environ: dict[str, str]) -> Callable[..., tuple[RunResult, list[AnyEvent]]]:
    def run(
        folder: RunFolder, *, environ: Mapping[str, str] | None = None, force: bool = False
    ) -> tuple[RunResult, list[AnyEvent]]:
        events: list[AnyEvent] = []
        result = run_worker(
            folder,
            on_event=events.append,
            environ={**echo_environ, **(environ or {})},
            resume=True,
            force=force,
        )
        return result, events

    return run


def digest_of(folder: RunFolder) -> str:
    return (folder.model_dir / "digest.txt").read_text()


def metrics_of(folder: RunFolder) -> MetricsRecord:
    return msgspec.json.decode(folder.metrics_file.read_bytes(), type=MetricsRecord)


def change(folder: RunFolder, **options: Any) -> None:
    request = folder.read_request()
    folder.write_request(msgspec.structs.replace(request, options={**request.options, **options}))


def contents(folder: RunFolder) -> dict[str, bytes]:
    """Return what a refused worker must leave as it is: all but the journal, the log and the lock."""
    journals = (folder.events_file, folder.log_file, folder.lock_file)
    files = [file for file in folder.path.rglob("*") if file.is_file() and file not in journals]
    return {str(file.relative_to(folder.path)): file.read_bytes() for file in files}


def warnings_in(events: list[AnyEvent]) -> list[str]:
    return [event.text for event in events if isinstance(event, Message) and event.level == "warning"]


def test_resumed_run_goes_on_at_its_checkpoint_and_ends_as_if_it_had_never_stopped(
    folder: RunFolder, resume: Any, tmp_path: Path, echo_environ: dict[str, str]
) -> None:
    straight = create_run(echo_request(**OPTIONS), run_dir=tmp_path / "straight")
    run_worker(straight, on_event=lambda event: None, environ=echo_environ)

    result, events = resume(folder)

    assert result.status == "finished"
    assert result == folder.read_result()
    hello = events[0]
    assert isinstance(hello, Hello)
    assert hello.from_step == 6
    assert [event.step for event in events if isinstance(event, Step)] == [7, 8, 9, 10]
    assert digest_of(folder) == digest_of(straight)
    progress = read_progress(folder)
    assert (progress.step, progress.steps, progress.status) == (10, 10, "finished")
    then, now = metrics_of(straight), metrics_of(folder)
    assert now.evaluations == then.evaluations
    assert now.metrics == then.metrics
    assert (then.resumed_from, now.resumed_from) == ([], [6])
    assert (then.tokens, now.tokens) == (100, 120)  # two steps were done in vain
    assert now.seconds["train"] == pytest.approx(result.seconds["train"])


def test_model_card_of_a_resumed_run_has_the_scores_of_its_end(
    resume: Any, tmp_path: Path, echo_environ: dict[str, str]
) -> None:
    folder = create_run(echo_request(steps=150, pause=0.005, checkpoint_every=140), run_dir=tmp_path / "run")

    def interrupt(event: AnyEvent) -> None:
        if isinstance(event, Step) and event.step == 2:
            os.kill(os.getpid(), signal.SIGINT)

    stopped = run_worker(folder, on_event=interrupt, environ=echo_environ)
    assert stopped.status == "cancelled"
    assert metrics_of(folder).status == "cancelled"
    kept = list_checkpoints(folder.path)[-1].step

    result, events = resume(folder)

    assert result.status == "finished"
    assert isinstance(events[0], Hello)
    assert events[0].from_step == kept < 140
    assert "| dev/support | 150 |" in (folder.model_dir / "README.md").read_text()
    assert metrics_of(folder).status == "finished"


def test_resumed_run_without_a_checkpoint_starts_over(folder: RunFolder, resume: Any, tmp_path: Path) -> None:
    shutil.rmtree(folder.path / "checkpoints")

    result, events = resume(folder)

    assert result.status == "finished"
    assert isinstance(events[0], Hello)
    assert events[0].from_step == 0
    assert [record.step for record in metrics_of(folder).evaluations] == [3, 6, 9, 10]


def test_resumed_run_with_a_damaged_newest_checkpoint_names_it_and_takes_the_one_before(
    folder: RunFolder, resume: Any
) -> None:
    damaged = list_checkpoints(folder.path)[-1].path / "state.json"
    damaged.write_bytes(damaged.read_bytes()[:-1] + b"x")

    result, events = resume(folder)

    assert result.status == "finished"
    assert isinstance(events[0], Hello)
    assert events[0].from_step == 3
    (warning,) = warnings_in(events)
    assert str(damaged) in warning


@pytest.mark.parametrize(
    ("options", "environ", "named"),
    [
        ({"steps": 11}, {}, ["--steps was 10 and is 11"]),
        ({"train": "{data}"}, {}, ["{data}", "train.txt", "--train was"]),
        ({}, {"ECHO_THREADS": "4"}, ["1 thread computed and now 4 would"]),
    ],
    ids=["option", "data", "threads, which the loop alone knows"],
)
def test_resuming_with_a_change_is_refused_by_name_and_leaves_the_run_as_it_was(
    folder: RunFolder, resume: Any, tmp_path: Path, options: Any, environ: Any, named: list[str]
) -> None:
    data = tmp_path / "other.txt"
    data.write_text("two\n")
    change(
        folder,
        **{
            name: str(value).format(data=data) if name == "train" else value
            for name, value in options.items()
        },
    )
    before, progress = contents(folder), read_progress(folder)

    with pytest.raises(RunFailed) as raised:
        resume(folder, environ=environ)

    assert raised.value.exit_code == 2
    assert all(words.format(data=data) in raised.value.message for words in named)
    assert "--force" in (raised.value.hint or "")
    assert contents(folder) == before
    assert read_status(folder) == "crashed"
    assert read_progress(folder) == progress
    assert isinstance(EventTail(folder.events_file).read()[-1], Refused)

    result, events = resume(folder, environ=environ, force=True)

    assert result.status == "finished"
    (warning,) = warnings_in(events)
    assert all(words.format(data=data) in warning for words in ("--force", *named))


def test_resuming_a_finished_run_is_refused(folder: RunFolder, resume: Any) -> None:
    folder.write_result(RunResult(status="finished", task="echo"))

    with pytest.raises(UsageError, match="is finished"):
        resume(folder)


def test_resuming_where_the_worker_dies_before_it_begins_keeps_the_former_end(
    folder: RunFolder, resume: Any, tmp_path: Path
) -> None:
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "msgspec.py").write_text("raise SystemExit(7)\n")
    before = contents(folder)

    result, _ = resume(folder, environ={"PYTHONPATH": str(tmp_path / "bad")})

    assert result.status == "crashed"
    assert "exit code 7" in result.error.message
    assert contents(folder) == before


def test_resuming_where_the_plugin_is_gone_keeps_the_former_end(folder: RunFolder, resume: Any) -> None:
    before = contents(folder)

    with pytest.raises(RunFailed, match="has no plugin for 'echo'") as raised:
        resume(folder, environ={"PYTHONPATH": ""})

    assert raised.value.exit_code == 6
    assert contents(folder) == before


def test_worker_started_without_resuming_in_an_old_folder_starts_over_and_removes_its_checkpoints(
    folder: RunFolder, echo_environ: dict[str, str]
) -> None:
    change(folder, checkpoint_every=0)

    result = run_worker(folder, on_event=lambda event: None, environ=echo_environ)

    assert result.status == "finished"
    assert list_checkpoints(folder.path) == []
    assert metrics_of(folder).resumed_from == []


def test_worker_resumed_by_hand_says_on_stderr_what_has_changed(
    folder: RunFolder, echo_environ: dict[str, str]
) -> None:
    change(folder, steps=11)

    done = subprocess.run(
        [sys.executable, "-m", "envkit.worker", folder.path, "--resume"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        env=echo_environ,
        check=False,
    )

    assert done.returncode == 2
    assert done.stderr.startswith("error: the run would not go on as it began:\n  --steps was 10 and is 11\n")


@pytest.mark.slow
def test_run_killed_at_random_instants_ends_as_if_it_had_never_stopped(
    tmp_path: Path, echo_environ: dict[str, str]
) -> None:
    options = {"steps": 300, "pause": 0.004, "checkpoint_every": 2}
    straight = create_run(echo_request(**options), run_dir=tmp_path / "straight")
    run_worker(straight, on_event=lambda event: None, environ=echo_environ)
    folder = create_run(echo_request(**options), run_dir=tmp_path / "run")
    command = [sys.executable, "-m", "envkit.worker", folder.path, "--resume"]
    chance = random.Random(20261122)
    for _ in range(5):
        size = folder.events_file.stat().st_size if folder.events_file.exists() else 0
        worker = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=echo_environ
        )
        # At any moment from the worker's first words on, however slow the machine is.
        wait_until(lambda size=size: folder.events_file.exists() and folder.events_file.stat().st_size > size)
        time.sleep(chance.uniform(0.0, 0.15))
        worker.kill()
        worker.wait()
        wait_until(lambda: not folder.is_locked())
    worker = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=echo_environ)

    assert worker.wait(timeout=60) == 0
    assert digest_of(folder) == digest_of(straight)
    assert metrics_of(folder).evaluations == metrics_of(straight).evaluations
    assert json.loads(folder.result_file.read_bytes())["status"] == "finished"
