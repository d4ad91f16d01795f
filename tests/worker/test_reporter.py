"""What a plugin reports becomes events that any reader can read."""

from __future__ import annotations

import subprocess
import sys
import threading
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from envkit.api.events import (
    AnyEvent,
    Choice,
    Done,
    Failed,
    Hello,
    Measured,
    Message,
    Metrics,
    Phase,
    Refused,
    Step,
    decode_event,
)
from envkit.api.records import ErrorRecord, RunResult
from envkit.worker.reporter import EventFile, EventReporter


class Clock:
    """A clock that the test moves."""

    def __init__(self) -> None:
        self.time = 100.0

    def __call__(self) -> float:
        return self.time


@pytest.fixture
def written() -> list[AnyEvent]:
    return []


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def report(written: list[AnyEvent], clock: Clock) -> EventReporter:
    return EventReporter(written.append, now=clock, elapsed=clock)


def test_phases_that_come_back_are_summed_and_said_once(
    report: EventReporter, written: list[AnyEvent], clock: Clock
) -> None:
    for name, seconds in (("load", 2.0), ("load", 1.0), ("train", 5.0), ("evaluate", 1.0), ("train", 4.0)):
        report.phase(name)
        clock.time += seconds

    assert report.seconds() == {"load": 3.0, "train": 9.0, "evaluate": 1.0}
    assert [event.name for event in written if isinstance(event, Phase)] == [
        *("load", "train", "evaluate", "train")
    ]


@pytest.mark.parametrize("loss", [float("nan"), float("inf"), Decimal("NaN")])
def test_step_with_a_loss_that_is_no_number_is_warned_of_once(
    report: EventReporter, written: list[AnyEvent], loss: Any
) -> None:
    for number in (1, 2):
        report.step(number, loss=loss, tokens=10)

    assert [type(event) for event in written] == [Message, Step, Step]
    assert [event.loss for event in written if isinstance(event, Step)] == [None, None]


def test_step_with_anothers_number_types_is_written_as_plain_numbers(
    report: EventReporter, written: list[AnyEvent]
) -> None:
    report.step(1, loss=Decimal("0.5"), tokens=True, learning_rate=Decimal("0.25"))  # type: ignore[arg-type]  # what plugins do

    assert written == [Step(time=100.0, step=1, loss=0.5, tokens=1, learning_rate=0.25)]


def test_metrics_that_are_no_numbers_are_left_out_with_a_warning(
    report: EventReporter, written: list[AnyEvent]
) -> None:
    report.metrics(3, {"dev/f1": 0.5, "dev/recall": float("nan")})

    warning, metrics = written
    assert isinstance(warning, Message)
    assert "dev/recall" in warning.text
    assert metrics == Metrics(time=100.0, step=3, values={"dev/f1": 0.5})


def test_report_of_nonsense_warns_instead_of_failing_the_run(
    report: EventReporter, written: list[AnyEvent]
) -> None:
    wrong: Any = report
    wrong.step("first", loss=1.0, tokens=1)
    wrong.step(1, loss=None, tokens=1)
    wrong.metrics(1, {"dev/f1": "good"})
    wrong.metrics(1, None)
    wrong.plan(steps=object(), epochs=1)

    assert all(isinstance(event, Message) and event.level == "warning" for event in written)
    assert len(written) == 3  # one for each kind of report


def test_choice_and_figure_are_events(report: EventReporter, written: list[AnyEvent]) -> None:
    report.choice("precision", "bfloat16", "1.8x float32 here")
    report.measured("padding_ratio", 1.04)

    assert written == [
        Choice(time=100.0, name="precision", value="bfloat16", reason="1.8x float32 here"),
        Measured(time=100.0, name="padding_ratio", value=1.04),
    ]


@pytest.mark.parametrize("value", [float("nan"), "many", None])
def test_figure_that_is_no_number_is_left_out_with_a_warning(
    report: EventReporter, written: list[AnyEvent], value: Any
) -> None:
    report.measured("padding_ratio", value)

    assert [type(event) for event in written] == [Message]


def test_seconds_of_a_resumed_run_are_those_of_all_its_workers(written: list[AnyEvent], clock: Clock) -> None:
    first = EventReporter(written.append, now=clock, elapsed=clock)
    first.hello(plugin="envkit-echo 0.1.0")
    first.phase("train")
    clock.time += 4
    first.step(1, loss=1.0, tokens=5)  # and then it was killed
    clock.time += 1000
    second = EventReporter(written.append, account=first.account, now=clock, elapsed=clock)
    second.hello(plugin="envkit-echo 0.1.0", from_step=0)
    second.phase("read")
    clock.time += 1
    second.phase("train")
    clock.time += 2

    assert second.seconds() == {"train": 6.0, "read": 1.0}


@pytest.mark.parametrize("has_begun", [False, True])
def test_refusal_puts_everything_back_before_it_is_said(has_begun: bool) -> None:
    order: list[object] = []
    report = EventReporter(order.append, now=Clock())
    if has_begun:
        report.hello(plugin="envkit-echo 0.1.0", from_step=3)

    report.refuse(ErrorRecord(message="no", exit_code=2, hint="so"), lambda: order.append("put back"))
    report.say("too late")

    last = Refused(time=100.0, message="no", exit_code=2, hint="so", after_hello=has_begun)
    assert [each for each in order if not isinstance(each, Hello)] == ["put back", last]


def test_text_that_utf8_cannot_hold_is_still_said(report: EventReporter, tmp_path: Path) -> None:
    file = EventFile(tmp_path / "events.jsonl")
    EventReporter(file.write).say("read caf\udce9.txt")

    event = decode_event((tmp_path / "events.jsonl").read_bytes())

    assert isinstance(event, Message)
    assert event.text == "read caf\\udce9.txt"


@pytest.mark.parametrize(
    ("result", "last"),
    [
        (RunResult(status="finished", task="echo"), Done(time=100.0, status="finished")),
        (RunResult(status="cancelled", task="echo"), Done(time=100.0, status="cancelled")),
        (
            RunResult(status="failed", task="echo", error=ErrorRecord(message="no", exit_code=2, hint="so")),
            Failed(time=100.0, message="no", exit_code=2, hint="so"),
        ),
    ],
)
def test_end_records_the_result_and_then_says_the_last_word(result: RunResult, last: AnyEvent) -> None:
    order: list[object] = []  # the record and the events, as they come
    report = EventReporter(order.append, now=Clock())

    assert report.end(result, order.append)
    assert not report.end(RunResult(status="cancelled", task="echo"), order.append)
    report.say("too late")

    assert order == [result, last]


def test_event_file_after_a_torn_line_begins_a_new_one(tmp_path: Path) -> None:
    file = tmp_path / "events.jsonl"
    file.write_bytes(b'{"event":"ste')

    EventFile(file).write(Phase(time=1.0, name="read"))

    assert file.read_bytes().splitlines()[1] == b'{"event":"phase","time":1.0,"name":"read"}'


def test_event_file_that_goes_on_after_a_whole_line_adds_no_empty_one(tmp_path: Path) -> None:
    file = tmp_path / "events.jsonl"
    for _ in range(2):
        EventFile(file).write(Phase(time=1.0, name="read"))

    assert file.read_bytes().count(b"\n") == len(file.read_bytes().splitlines()) == 2


def test_event_file_of_many_threads_holds_every_event_whole(tmp_path: Path) -> None:
    file = tmp_path / "events.jsonl"
    report = EventReporter(EventFile(file).write)

    def talk() -> None:
        for _ in range(100):
            report.say("x" * 500)

    threads = [threading.Thread(target=talk) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [type(decode_event(line)) for line in file.read_bytes().splitlines()] == [Message] * 800


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a disk that is always full")
def test_event_file_on_a_full_disk_loses_the_event_and_not_the_run() -> None:
    code = (
        "from pathlib import Path; from envkit.worker.reporter import EventFile, EventReporter\n"
        "EventReporter(EventFile(Path('/dev/full')).write).say('hello')"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)

    assert "No space left on device" in done.stderr
