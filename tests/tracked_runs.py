"""Runs for trackers: one that was killed at step 6 and resumed from step 4, and how it is fed to a tracker."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from echo import echo_request

from envkit.api.events import AnyEvent, Done, Hello, Metrics, Phase, Step, encode_event
from envkit.api.records import RunResult
from envkit.runs.folder import create_run
from envkit.runs.trackers.process import start_tracker, wait_for_trackers

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from envkit.worker.folder import RunFolder


def hello(from_step: int | None = None) -> Hello:
    return Hello(time=100.0, pid=1, python="python", plugin="envkit-echo 0.1.0", from_step=from_step)


def steps(first: int, last: int, *, began: float) -> list[AnyEvent]:
    return [
        Step(time=began + number, step=number, loss=1 / number, tokens=10 * number, learning_rate=0.1)
        for number in range(first, last + 1)
    ]


def first_worker() -> list[AnyEvent]:
    evaluation = Metrics(time=150.0, step=6, values={"dev/f1": 0.25})
    return [hello(), Phase(time=100.0, name="train"), *steps(1, 6, began=100.0), evaluation]


def second_worker() -> list[AnyEvent]:
    evaluation = Metrics(time=250.0, step=9, values={"dev/f1": 0.5})
    done = Done(time=260.0, status="finished")
    return [hello(4), Phase(time=200.0, name="train"), *steps(5, 9, began=200.0), evaluation, done]


def make_run(folder: Path, events: list[AnyEvent]) -> RunFolder:
    run = create_run(echo_request(epochs=2.5, deaf=True, train=None), runs_dir=folder / "runs")
    write_events(run, events)
    return run


def write_events(folder: RunFolder, events: list[AnyEvent]) -> None:
    with folder.events_file.open("ab") as stream:
        stream.write(b"".join(map(encode_event, events)))


def finish(folder: RunFolder) -> None:
    result = RunResult(
        status="finished", task="echo", metrics={"dev/f1": 0.5}, intervals={"dev/f1": (0.25, 0.75)}
    )
    folder.write_result(result)


def track(folder: RunFolder, name: str, environ: Mapping[str, str] = os.environ) -> list[str]:
    """Feed a run that is over; return what the user is told."""
    said: list[str] = []
    tracker = start_tracker(name, folder, environ=environ)
    failed = wait_for_trackers([tracker], on_message=lambda message: said.append(message.text), seconds=60)
    assert not failed, folder.path.joinpath("trackers.log").read_text()
    return [
        text for text in said if not text.endswith("still at work. Ctrl-C ends the wait.")
    ]  # a busy machine


def losses(first: int, last: int) -> list[tuple[int, float]]:
    return [(number, round(1 / number, 4)) for number in range(first, last + 1)]
