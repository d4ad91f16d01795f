"""What the screen shows of a run follows from its events."""

from __future__ import annotations

from functools import reduce

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envkit.api.events import AnyEvent, Done, Failed, Hello, Message, Metrics, Phase, Plan, Refused, Step
from envkit.runs.progress import RunProgress


def progress_of(*events: AnyEvent) -> RunProgress:
    return reduce(RunProgress.after, events, RunProgress())


def step(number: int, *, time: float, loss: float | None = 1.0, tokens: int | None = None) -> Step:
    return Step(time=time, step=number, loss=loss, tokens=100 * number if tokens is None else tokens)


def test_progress_before_the_second_step_has_no_pace() -> None:
    progress = progress_of(Plan(time=0, steps=10, epochs=1.0), step(1, time=5.0))

    assert (progress.step, progress.steps) == (1, 10)
    assert progress.tokens_per_second is None
    assert progress.seconds_left is None


def test_progress_measures_pace_from_step_to_step() -> None:
    progress = progress_of(
        Plan(time=0, steps=10, epochs=1.0), *(step(number, time=7.0 + 0.5 * number) for number in range(1, 5))
    )

    assert progress.tokens_per_second == pytest.approx(200.0)
    assert progress.seconds_left == pytest.approx(3.0)


def test_progress_after_a_pause_keeps_the_pace_from_before_it() -> None:
    before = [step(number, time=float(number)) for number in range(1, 4)]
    pause: list[AnyEvent] = [
        Phase(time=4.0, name="evaluate"),
        Metrics(time=60.0, step=3, values={"dev/f1": 0.5}),
    ]

    progress = progress_of(*before, *pause, step(4, time=61.0))

    assert progress.tokens_per_second == pytest.approx(100.0)
    assert progress.after(step(5, time=63.0)).tokens_per_second == pytest.approx(50.0)


def test_progress_of_a_machine_that_slows_forgets_the_old_pace() -> None:
    fast = [step(number, time=0.1 * number) for number in range(1, 100)]
    slow = [step(number, time=10.0 + 5.0 * (number - 99)) for number in range(100, 105)]

    assert progress_of(*fast, *slow).seconds_per_step == pytest.approx(5.0)


def test_progress_with_steps_longer_than_the_window_still_has_a_pace() -> None:
    assert progress_of(step(1, time=0.0), step(2, time=100.0)).seconds_per_step == pytest.approx(100.0)


@given(st.floats(0, 100), st.integers(1, 300))
def test_smoothed_loss_of_a_constant_loss_is_that_loss(loss: float, steps: int) -> None:
    progress = progress_of(*(step(number, time=float(number), loss=loss) for number in range(1, steps + 1)))

    assert progress.loss == pytest.approx(loss)


def test_smoothed_loss_after_a_loss_that_is_no_number_starts_again() -> None:
    broken = progress_of(step(1, time=1.0, loss=9.0), step(2, time=2.0, loss=None))

    assert broken.loss is None
    assert broken.after(step(3, time=3.0, loss=0.5)).loss == pytest.approx(0.5)


def test_progress_sums_the_seconds_of_phases_that_come_back() -> None:
    progress = progress_of(
        Phase(time=10.0, name="train"),
        Phase(time=14.0, name="evaluate"),
        Phase(time=15.0, name="train"),
        Message(time=16.0, text="on we go"),
    )

    assert progress.seconds_until(18.0) == {"train": 7.0, "evaluate": 1.0}


def test_progress_at_another_workers_hello_starts_over() -> None:
    hello = Hello(time=9.0, pid=7, python="python", plugin="envkit-echo 0.1.0")

    progress = progress_of(step(5, time=1.0), Failed(time=2.0, message="no", exit_code=1), hello)

    assert progress == RunProgress(pid=7, plugin="envkit-echo 0.1.0")


@pytest.mark.parametrize(
    ("last", "status"),
    [
        (Done(time=1.0, status="finished"), "finished"),
        (Done(time=1.0, status="cancelled"), "cancelled"),
        (Failed(time=1.0, message="no", exit_code=1), "failed"),
        (Message(time=1.0, text="still here"), None),
    ],
)
def test_progress_has_a_status_once_the_run_is_over(last: AnyEvent, status: str | None) -> None:
    assert progress_of(last).status == status


def hello(from_step: int | None, *, time: float = 50.0) -> Hello:
    return Hello(time=time, pid=8, python="python", plugin="envkit-echo 0.1.0", from_step=from_step)


KILLED: list[AnyEvent] = [
    Hello(time=1.0, pid=7, python="python", plugin="envkit-echo 0.1.0"),
    Plan(time=1.0, steps=10, epochs=2.0),
    Phase(time=2.0, name="train"),
    *(step(number, time=2.0 + number) for number in range(1, 5)),
    Metrics(time=6.0, step=4, values={"dev/f1": 0.5}),
    *(step(number, time=2.0 + number) for number in range(5, 8)),
]


def test_progress_of_a_resumed_run_goes_on_at_its_checkpoint() -> None:
    progress = progress_of(*KILLED, hello(4))

    assert (progress.from_step, progress.step, progress.steps) == (4, 4, 10)
    assert (progress.metrics, progress.metrics_step) == ({"dev/f1": 0.5}, 4)
    assert progress.seconds == {"train": 7.0}  # until the last event of the worker that was killed
    assert progress.after(step(5, time=60.0, tokens=90)).tokens == 700 + 90


def test_progress_of_a_run_resumed_before_its_evaluation_forgets_it() -> None:
    assert progress_of(*KILLED, hello(3)).metrics == {}


def test_progress_of_a_run_resumed_without_a_checkpoint_begins_at_nothing_but_its_seconds() -> None:
    progress = progress_of(*KILLED, hello(0))

    assert (progress.from_step, progress.step, progress.steps, progress.metrics) == (0, 0, None, {})
    assert progress.seconds == {"train": 7.0}


@pytest.mark.parametrize(
    "events",
    [
        [Refused(time=50.0, message="no", exit_code=2)],
        [
            hello(4),
            Phase(time=51.0, name="read"),
            Refused(time=52.0, message="", exit_code=2, after_hello=True),
        ],
    ],
    ids=["at once", "by the loop"],
)
def test_progress_of_a_run_that_was_not_resumed_is_as_before(events: list[AnyEvent]) -> None:
    assert progress_of(*KILLED, *events) == progress_of(*KILLED)
