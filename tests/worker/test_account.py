"""What a run's events come to, however often it was killed and resumed."""

from __future__ import annotations

from functools import reduce
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from envkit.api.events import (
    AnyEvent,
    Choice,
    Done,
    Hello,
    Measured,
    Metrics,
    Phase,
    Plan,
    Refused,
    Step,
    encode_event,
)
from envkit.worker.account import RunAccount, read_account

if TYPE_CHECKING:
    from pathlib import Path

STEPS = 12
EVERY = 3  # steps between evaluations, each followed by a checkpoint


def account_of(*events: AnyEvent) -> RunAccount:
    return reduce(RunAccount.after, events, RunAccount())


def hello(from_step: int | None, *, time: float = 0.0) -> Hello:
    return Hello(time=time, pid=7, python="python", plugin="envkit-echo 0.1.0", from_step=from_step)


def worker(from_step: int | None, until: int, *, score: float = 0.0) -> list[AnyEvent]:
    """Return the events of a worker that goes on from a step and is killed after another."""
    begin = from_step or 0
    events: list[AnyEvent] = [hello(from_step), Plan(time=0.0, steps=STEPS, epochs=2.0)]
    events.append(Phase(time=0.0, name="train"))
    for number in range(begin + 1, until + 1):
        events.append(Step(time=1.0, step=number, loss=1.0, tokens=10 * (number - begin)))
        if number % EVERY == 0:
            events.append(Metrics(time=1.0, step=number, values={"dev/f1": number / STEPS + score}))
    return events


@given(st.lists(st.integers(0, STEPS), max_size=6))
def test_account_of_a_run_killed_anywhere_has_each_evaluation_once_and_of_its_last_worker(
    kills: list[int],
) -> None:
    events: list[AnyEvent] = []
    checkpoint = 0
    for number, killed_at in enumerate([*kills, STEPS]):
        end = max(killed_at, checkpoint)
        events += worker(checkpoint if number else None, end, score=float(number))
        checkpoint = end // EVERY * EVERY

    account = account_of(*events)

    assert account.step == STEPS
    assert list(account.evaluations) == list(range(EVERY, STEPS + 1, EVERY))
    assert [record.epoch for record in account.evaluations.values()] == [0.5, 1.0, 1.5, 2.0]
    assert len(account.resumed_from) == len(kills)
    assert account.tokens == 10 * sum(isinstance(event, Step) for event in events)


def test_account_of_steps_done_twice_keeps_the_later_evaluation() -> None:
    account = account_of(*worker(None, 7), *worker(3, 12, score=0.5))

    assert account.evaluations[3].values == {"dev/f1": 0.25}
    assert account.evaluations[6].values == {"dev/f1": 1.0}


def test_account_of_dev_and_test_after_one_step_is_one_evaluation() -> None:
    account = account_of(
        Metrics(time=1.0, step=3, values={"dev/f1": 0.5}), Metrics(time=1.0, step=3, values={"test/f1": 0.25})
    )

    assert account.evaluations[3].values == {"dev/f1": 0.5, "test/f1": 0.25}
    assert account.evaluations[3].epoch is None


def test_account_of_a_run_that_starts_over_keeps_what_it_cost_and_no_evaluation() -> None:
    account = account_of(*worker(None, 7), hello(0))

    assert (account.step, account.evaluations) == (0, {})
    assert account.tokens == 70
    assert account.seconds == {"train": 1.0}


def test_account_of_a_new_run_in_an_old_folder_begins_at_nothing() -> None:
    account = account_of(*worker(None, 7), *worker(None, 3))

    assert (account.step, account.tokens, account.resumed_from) == (3, 30, ())


def test_account_of_a_refused_worker_is_that_before_it() -> None:
    before = account_of(*worker(None, 7))

    at_once = before.after(Refused(time=2.0, message="no", exit_code=2))
    late = reduce(
        RunAccount.after,
        [*worker(6, 6), Refused(time=9.0, message="no", exit_code=2, after_hello=True)],
        before,
    )

    for account in (at_once, late):
        assert account.step == 7
        assert account.evaluations == before.evaluations
        assert account.resumed_from == ()


def test_account_of_choices_and_figures_has_the_last_of_each_name() -> None:
    account = account_of(
        Choice(time=1.0, name="precision", value="float32", reason="nothing is faster"),
        Choice(time=2.0, name="precision", value="bfloat16", reason="1.8x"),
        Measured(time=1.0, name="padding_ratio", value=1.5),
        Measured(time=2.0, name="padding_ratio", value=1.25),
        Done(time=3.0, status="finished"),
    )

    assert account.choices["precision"].value == "bfloat16"
    assert account.measured == {"padding_ratio": 1.25}


def test_read_account_of_a_file_whose_writer_was_killed_reads_all_but_the_torn_line(tmp_path: Path) -> None:
    file = tmp_path / "events.jsonl"
    assert read_account(file) == RunAccount()
    file.write_bytes(b"".join(map(encode_event, worker(None, 4))) + b'{"event":"step","ti')

    assert read_account(file).step == 4
