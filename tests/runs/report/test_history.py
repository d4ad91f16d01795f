"""What a run's events tell its report."""

from __future__ import annotations

from ended_runs import training

from envkit.api.events import AnyEvent, Hello, Metrics, Refused, Step
from envkit.runs.report.history import history_of


def test_history_of_one_worker_has_its_steps_scores_choices_and_warnings() -> None:
    history = history_of(training(4, scores={2: 0.5, 4: 0.75}))

    assert [step.step for step in history.steps] == [1, 2, 3, 4]
    assert [(each.step, each.epoch, each.values) for each in history.evaluations] == [
        (2, 1.0, {"dev/echo_score": 0.5}),
        (4, 2.0, {"dev/echo_score": 0.75}),
    ]
    assert history.choices["precision"].value == "float32"
    assert history.warnings == ["a row is empty"]
    assert history.planned_steps == 4


def test_history_of_a_resumed_run_takes_back_what_came_after_its_checkpoint() -> None:
    history = history_of([*training(5, scores={3: 0.3, 5: 0.9}), *training(6, scores={6: 0.6}, from_step=4)])

    assert [step.step for step in history.steps] == [1, 2, 3, 4, 5, 6]
    assert [each.step for each in history.evaluations] == [3, 6]
    assert history.resumed_from == [4]
    assert history.warnings == ["a row is empty"]


def test_history_of_a_run_that_began_anew_forgets_the_worker_before() -> None:
    history = history_of([*training(9, scores={9: 0.9}), *training(2, scores={2: 0.2})])

    assert [step.step for step in history.steps] == [1, 2]
    assert [each.step for each in history.evaluations] == [2]


def test_history_leaves_out_a_worker_that_was_refused() -> None:
    refused: list[AnyEvent] = [
        Hello(time=9.0, pid=2, python="python", plugin="envkit-echo 0.1.0", from_step=1),
        Step(time=9.0, step=2, loss=9.0, tokens=1),
        Refused(time=9.0, message="no", exit_code=2, after_hello=True),
    ]

    history = history_of([*training(3), *refused, Refused(time=9.0, message="no", exit_code=2)])

    assert [step.loss for step in history.steps] == [1.0, 0.5, 1 / 3]
    assert history.resumed_from == []


def test_history_keeps_the_score_of_training_where_the_saved_model_is_scored_after_the_same_step() -> None:
    final = Metrics(time=9.0, step=4, values={"dev/echo_score": 0.5, "test/echo_score": 0.25})

    (only,) = history_of([*training(4, scores={4: 0.75}), final]).evaluations

    assert only.values == {"dev/echo_score": 0.75, "test/echo_score": 0.25}


def test_history_of_nothing_is_empty() -> None:
    history = history_of([])

    assert (history.steps, history.evaluations, history.planned_steps) == ([], [], None)
