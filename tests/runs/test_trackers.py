"""Trackers without their libraries: what is made of events, and what a library that fails does to a run."""

from __future__ import annotations

import fcntl
import sys
import time
from typing import TYPE_CHECKING

import pytest
from echo import echo_request, wait_until
from faulty_wandb import fake_library
from hypothesis import given
from hypothesis import strategies as st

from envkit.api import UsageError
from envkit.api.events import (
    AnyEvent,
    Done,
    Hello,
    Measured,
    Message,
    Metrics,
    Phase,
    Refused,
    Step,
    encode_event,
)
from envkit.api.records import RunResult
from envkit.owner import install_command
from envkit.runs.folder import create_run
from envkit.runs.trackers.feed import feed_tracker
from envkit.runs.trackers.kinds import check_trackers, chosen_trackers
from envkit.runs.trackers.points import PointReader, counted_events, hyperparameters, interval_values
from envkit.runs.trackers.process import start_tracker, tracking, wait_for_trackers

if TYPE_CHECKING:
    from pathlib import Path

    from envkit.worker.folder import RunFolder

pytestmark = pytest.mark.slow


def hello(from_step: int | None = None) -> Hello:
    return Hello(time=0.0, pid=1, python="python", plugin="envkit-echo 0.1.0", from_step=from_step)


def step(number: int, *, loss: float | None = 0.5, at: float = 0.0) -> Step:
    return Step(time=at, step=number, loss=loss, tokens=10 * number, learning_rate=0.1)


def metrics(number: int, **values: float) -> Metrics:
    return Metrics(time=0.0, step=number, values=values)


def refused(*, after_hello: bool) -> Refused:
    return Refused(time=0.0, message="changed", exit_code=2, after_hello=after_hello)


def told(events: list[AnyEvent]) -> list[tuple[str, int]]:
    return [
        (type(event).__name__.lower(), event.step) for event in events if isinstance(event, Step | Metrics)
    ]


@pytest.mark.parametrize(
    ("events", "counted"),
    [
        ([hello(), step(1), step(2)], [("step", 1), ("step", 2)]),
        ([hello(), step(1), step(2), hello(1), step(2)], [("step", 1), ("step", 2)]),
        ([hello(), step(1), step(2), hello(0), step(1)], [("step", 1)]),
        ([hello(), step(1), step(2), hello(), step(1)], [("step", 1)]),
        ([hello(), step(1), step(2), hello(1), refused(after_hello=True)], [("step", 1), ("step", 2)]),
        ([hello(), step(1), step(2), refused(after_hello=False)], [("step", 1), ("step", 2)]),
        (
            [hello(), step(1), step(2), metrics(2, f1=0.1), hello(1), step(2), metrics(2, f1=0.1)],
            [("step", 1), ("step", 2), ("metrics", 2)],
        ),
        ([hello(), step(1), metrics(1, f1=0.1), hello(1), metrics(1, f1=0.1)], [("step", 1), ("metrics", 1)]),
        ([hello(), step(1), metrics(1, a=0.1), metrics(1, b=0.1)], [("step", 1)] + 2 * [("metrics", 1)]),
    ],
)
def test_counted_events_after_a_resume_have_each_step_once(
    events: list[AnyEvent], counted: list[tuple[str, int]]
) -> None:
    assert told(counted_events(events)) == counted


@given(st.lists(st.tuples(st.integers(0, 20), st.integers(1, 10)), min_size=1, max_size=8))
def test_counted_events_of_any_number_of_workers_rise_and_end_where_the_last_one_did(
    workers: list[tuple[int, int]],
) -> None:
    events: list[AnyEvent] = []
    reached = 0
    for wanted, count in workers:
        begin = min(wanted, reached)
        reached = begin + count
        events += [hello(begin), *(step(number) for number in range(begin + 1, reached + 1))]

    steps = [number for _, number in told(counted_events(events))]

    assert steps == list(range(1, reached + 1))


def test_point_reader_names_what_it_knows_and_leaves_out_what_it_does_not() -> None:
    events: list[AnyEvent] = [
        hello(),
        Phase(time=0.0, name="train"),
        step(1, at=1.0, loss=None),
        step(2, at=2.0),
        Measured(time=3.0, name="padding_ratio", value=1.04),
        metrics(2, **{"dev/entity_f1": 0.9}),
        metrics(2),
    ]
    read = PointReader().after

    points = [(point.step, dict(point.values)) for event in events if (point := read(event)) is not None]

    assert points == [
        (1, {"train/learning_rate": 0.1}),
        (2, {"train/loss": 0.5, "train/learning_rate": 0.1, "train/tokens_per_second": 10.0}),
        (2, {"measured/padding_ratio": 1.04}),
        (2, {"dev/entity_f1": 0.9}),
    ]


def test_hyperparameters_are_plain_and_leave_out_what_is_not_set() -> None:
    request = echo_request(deaf=True, epochs=1.5, train=None, languages=["de", "fr"])

    assert hyperparameters(request) == {
        "task": "echo",
        "plugin": "envkit-echo 0.1.0",
        "batch_size": 8,
        "deaf": True,
        "epochs": 1.5,
        "languages": "['de', 'fr']",
    }
    assert interval_values({"f1": (0.25, 0.75)}) == {"f1_low": 0.25, "f1_high": 0.75}


@pytest.mark.parametrize(
    ("flags", "default", "chosen"),
    [
        ([], ["wandb"], ("wandb",)),
        (["tensorboard", "tensorboard"], ["wandb"], ("tensorboard",)),
        (["none"], ["wandb"], ()),
        ([], ["none"], ()),
    ],
)
def test_chosen_trackers_are_those_of_the_flags_if_there_are_any(
    flags: list[str], default: list[str], chosen: tuple[str, ...]
) -> None:
    assert chosen_trackers(flags, default=default) == chosen


@pytest.mark.parametrize("name", ["tensorboard", "wandb"])
def test_check_trackers_without_the_library_names_the_extra(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / name).mkdir()  # such as the folder that wandb leaves where it was used
    install = install_command(f"envkit-ml[{name}]")
    monkeypatch.setattr(sys, "path", [str(tmp_path)])

    with pytest.raises(UsageError, match=f"needs the package {name}") as caught:
        check_trackers([name])

    assert caught.value.hint == f"Install it: {install}"


class Listing:
    """A tracker that keeps what it is told."""

    def __init__(self) -> None:
        self.events: list[AnyEvent] = []
        self.is_closed = False

    def event(self, event: AnyEvent) -> None:
        self.events.append(event)

    def close(self) -> None:
        self.is_closed = True


def test_feed_of_a_run_about_to_be_resumed_waits_for_the_first_deed_of_its_worker(tmp_path: Path) -> None:
    folder = make_run(tmp_path, [hello(), step(1), step(2), step(3)])
    size = folder.events_file.stat().st_size
    coming: list[AnyEvent] = [hello(1), step(2), step(3), Done(time=0.0, status="finished")]
    tracker = Listing()

    def time_passes(seconds: float) -> None:
        with folder.events_file.open("ab") as stream:
            stream.write(encode_event(coming.pop(0)))

    feed_tracker(folder, open=lambda: tracker, is_over=lambda: not coming, start=size, sleep=time_passes)

    assert told(tracker.events) == [("step", 1), ("step", 2), ("step", 3)]
    assert tracker.is_closed


def make_run(folder: Path, events: list[AnyEvent]) -> RunFolder:
    run = create_run(echo_request(), runs_dir=folder / "runs")
    run.events_file.write_bytes(b"".join(map(encode_event, events)))
    return run


def show(
    folder: RunFolder, environ: dict[str, str], *, patience: float = 30.0, grace: float = 15.0
) -> list[Message]:
    """Track a run that is over within the command that made it; return what the user is told."""
    shown: list[AnyEvent] = []
    folder.write_result(RunResult(status="finished", task="echo"))
    limits = {"patience": patience, "grace": grace}
    with tracking(["wandb"], folder, on_event=shown.append, environ=environ, **limits) as on_event:
        on_event(step(1))
    return [event for event in shown if isinstance(event, Message)]


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (
            {"init": "raise KeyError('entity')"},
            ["Weights & Biases: KeyError: 'entity'. Later: envkit runs track"],
        ),
        (
            {"init": "raise Error('no network')"},
            ["Weights & Biases: Error: no network. Later: envkit runs track"],
        ),
        ({"log": "raise OSError('disk full')"}, ["sync .", "OSError: disk full. Later: envkit runs track"]),
        ({"finish": "raise SystemExit(3)"}, ["Weights & Biases ended with code 3: see"]),
        ({"init": "os.kill(os.getpid(), 9)"}, ["Weights & Biases ended with code -9: see"]),
        ({"log": 'sys.stdout.write(\'{"event":"message"}\\n\' * 9999)'}, ["sync ."]),
    ],
)
def test_tracker_that_goes_wrong_is_told_of_in_a_line_and_harms_nothing(
    tmp_path: Path, fault: dict[str, str], words: list[str]
) -> None:
    folder = make_run(tmp_path, [hello(), step(1)])

    messages = show(folder, fake_library(tmp_path / "site", **fault))

    assert len(messages) == len(words)
    for message, part in zip(messages, words, strict=True):
        assert part in message.text
    assert folder.read_result() == RunResult(status="finished", task="echo")


def test_tracker_that_never_ends_is_left_behind(tmp_path: Path) -> None:
    folder = make_run(tmp_path, [hello(), step(1)])

    began = time.monotonic()
    environ = fake_library(tmp_path / "site", finish="time.sleep(600)")
    messages = show(folder, environ, patience=1.0, grace=0.0)

    assert time.monotonic() - began < 10
    assert messages[-1].level == "warning"
    assert "took too long" in messages[-1].text


def test_tracker_of_a_run_that_goes_on_ends_when_its_worker_does(tmp_path: Path) -> None:
    folder = make_run(tmp_path, [hello()])
    logged = tmp_path / "logged"
    log = f"open({str(logged)!r}, 'a').write(f'{{step}} ')"
    lock = folder.lock_file.open("a")
    fcntl.flock(lock, fcntl.LOCK_EX)

    tracker = start_tracker("wandb", folder, environ=fake_library(tmp_path / "site", log=log))
    tracker.stop()
    with folder.events_file.open("ab") as stream:
        stream.write(encode_event(step(1)))
    wait_until(logged.exists)
    assert not tracker.has_ended()
    lock.close()

    assert wait_for_trackers([tracker], on_message=lambda message: None) == []
