"""What stays on the screen of a run."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from envkit.api.events import AnyEvent, Choice, Hello, Measured, Message, Metrics, Plan, Refused, Step
from envkit.cli.progress import LiveScreen, PlainScreen, lasting_line
from envkit.runs.progress import RunProgress


def hello(from_step: int | None) -> Hello:
    return Hello(time=1.0, pid=7, python="python", plugin="envkit-echo 0.1.0", from_step=from_step)


@pytest.mark.parametrize(
    ("event", "line"),
    [
        (Message(time=1.0, text="on we go"), "on we go"),
        (Message(time=1.0, text="mind the gap", level="warning"), "warning: mind the gap"),
        (
            Choice(time=1.0, name="precision", value="bfloat16", reason="1.8x float32 here"),
            "precision: bfloat16 (1.8x float32 here)",
        ),
        (Metrics(time=1.0, step=80, values={"dev/f1": 0.5, "dev/x": 1.0}), "step 80/240  dev/f1 0.5000"),
        (hello(None), None),
        (hello(0), "No checkpoint: starting over"),
        (hello(80), "Resuming at step 80 of 240"),
        (Measured(time=1.0, name="padding_ratio", value=1.04), None),
        (Refused(time=1.0, message="no", exit_code=2), None),
        (Step(time=1.0, step=80, loss=1.0, tokens=5), None),
    ],
)
def test_event_stays_on_the_screen_as_one_line_or_not_at_all(event: AnyEvent, line: str | None) -> None:
    assert lasting_line(event, RunProgress(step=80, steps=240), "f1") == line


def test_screen_shows_the_metric_that_the_loop_chose_to_go_by() -> None:
    progress = RunProgress().after(Choice(time=0.0, name="metric", value="dev/micro_f1", reason="several"))
    event = Metrics(time=1.0, step=8, values={"dev/accuracy": 0.0, "dev/micro_f1": 0.5})

    assert lasting_line(event, progress, "accuracy") == "dev/micro_f1 0.5000"


def test_screen_of_a_resumed_run_knows_its_steps_from_before() -> None:
    said = io.StringIO()
    before = RunProgress().after(Plan(time=0.0, steps=240, epochs=3.0))
    screen = PlainScreen(Console(file=said), "f1", progress=before)

    screen.event(hello(80))

    assert said.getvalue() == "Resuming at step 80 of 240\n"


def test_screen_of_a_run_whose_steps_nobody_said_names_the_step_alone() -> None:
    assert lasting_line(hello(80), RunProgress(), "f1") == "Resuming at step 80"


def test_screen_shows_bytes_every_few_seconds_in_lines() -> None:
    said, now = io.StringIO(), [0.0]
    screen = PlainScreen(Console(file=said), "f1", clock=lambda: now[0])

    screen.step("downloading torch")
    screen.bytes(12_000_000, 180_000_000, "torch")
    now[0] = 6.0
    screen.bytes(90_000_000, 180_000_000, "torch")
    now[0] = 12.0
    screen.bytes(7_000_000, None, "written")

    assert said.getvalue().splitlines() == ["downloading torch", "90 of 180 MB, torch", "7 MB written"]


def test_live_screen_shows_bytes_beside_the_step() -> None:
    console = Console(file=io.StringIO(), force_terminal=True, width=60)
    screen = LiveScreen(console, "f1")

    screen.step("downloading torch")
    screen.bytes(90_000_000, 180_000_000, "torch")

    (task,) = screen.bar.tasks
    assert (task.description, task.completed, task.total) == ("downloading torch", 90_000_000, 180_000_000)
    assert task.fields["pace"] == "90 of 180 MB, torch"
    screen.step("installing")
    assert (task.total, task.fields["pace"]) == (None, "")


def test_live_screen_says_how_long_a_silent_step_has_taken() -> None:
    now = 0.0
    out = io.StringIO()
    console = Console(file=out, force_terminal=True, width=60)
    screen = LiveScreen(console, "f1", clock=lambda: now)

    screen.step("compiling: 1")
    now = 59.0
    screen.step("compiling: 2")
    console.print(screen.bar.get_renderable())
    assert "59 s" in out.getvalue()

    out.truncate(0)
    screen.step("proving")
    console.print(screen.bar.get_renderable())
    assert "59 s" not in out.getvalue()
