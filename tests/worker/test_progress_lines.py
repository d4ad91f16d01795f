"""The plain lines of a run's progress."""

from __future__ import annotations

import io

from envkit.api.events import AnyEvent, Metrics, Phase, Plan, Step
from envkit.worker.progress_lines import ProgressLines
from envkit.worker.said_lines import SaidLines


def lines_of(*events: AnyEvent, seconds: float = 0.0) -> list[str]:
    """Return what is said of events that come so many seconds after each other."""
    now = [0.0]
    stream = io.StringIO()
    lines = ProgressLines(SaidLines(stream), headline="f1", clock=lambda: now[0])
    for event in events:
        now[0] += seconds
        lines.event(event)
    return stream.getvalue().splitlines()


def step(number: int) -> Step:
    return Step(time=float(number), step=number, loss=0.5, tokens=100 * number)


def phase(name: str) -> Phase:
    return Phase(time=0.0, name=name)


def scores(number: int, score: float = 0.25) -> Metrics:
    return Metrics(time=0.0, step=number, values={"dev/f1": score})


def test_phases_and_scores_are_said_once() -> None:
    said = lines_of(
        Plan(time=0.0, steps=4, epochs=2.0),
        *(phase("train"), step(1), step(2), phase("evaluate"), scores(2, 0.125)),
        *(phase("train"), step(3), step(4), phase("evaluate"), scores(4)),
        *(phase("save"), phase("evaluate"), scores(4)),
    )

    assert said == [
        "train",
        "evaluate",
        "step 2/4  loss 0.500  100 tokens/s  dev/f1 0.1250",
        "step 4/4  loss 0.500  100 tokens/s  dev/f1 0.2500",
        "save",
    ]


def test_steps_of_a_slow_run_are_said_and_not_again_with_their_scores() -> None:
    said = lines_of(phase("train"), step(1), step(2), scores(2), seconds=6.0)

    assert said == [
        "train",
        "step 1  loss 0.500",
        "step 2  loss 0.500  100 tokens/s",
        "step 2  dev/f1 0.2500",
    ]
