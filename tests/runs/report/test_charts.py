"""Charts: round marks, and shapes that stay within the frame however many steps there are."""

from __future__ import annotations

import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envkit.api.events import Step
from envkit.api.records import EvaluationRecord
from envkit.runs.report.charts import loss_chart, make_scale, metric_chart, rate_chart

numbers = st.floats(-1e6, 1e6)


def steps(losses: list[float | None], *, rates: list[float] | None = None) -> list[Step]:
    return [
        Step(time=n, step=n, loss=loss, tokens=n, learning_rate=None if rates is None else rates[n - 1])
        for n, loss in enumerate(losses, start=1)
    ]


def scored(*values: float) -> list[EvaluationRecord]:
    return [
        EvaluationRecord(step=10 * n, values={"dev/f1": value}) for n, value in enumerate(values, start=1)
    ]


@given(low=numbers, high=numbers, most=st.integers(3, 8))
def test_make_scale_holds_both_ends_with_few_equal_marks(low: float, high: float, most: int) -> None:
    low, high = sorted((low, high))

    scale = make_scale(low, high, most=most)

    slack = 1e-6 * max(1.0, abs(low), abs(high))
    assert scale.low <= low + slack
    assert scale.high >= high - slack
    assert 2 <= len(scale.marks) <= most
    distances = [after - before for before, after in zip(scale.marks, scale.marks[1:], strict=False)]
    assert all(math.isclose(distance, scale.unit, rel_tol=1e-6) for distance in distances)


@pytest.mark.parametrize(
    ("low", "high", "marks"),
    [(0, 2.3, (0, 1, 2, 3)), (0.61, 0.87, (0.6, 0.7, 0.8, 0.9)), (0, 0.0002, (0, 5e-5, 1e-4, 1.5e-4, 2e-4))],
)
def test_make_scale_takes_round_marks(low: float, high: float, marks: tuple[float, ...]) -> None:
    assert make_scale(low, high).marks == pytest.approx(marks)


def test_make_scale_of_shares_goes_nowhere_beyond_0_and_1() -> None:
    scale = make_scale(1.0, 1.0, is_share=True)

    assert scale.high == pytest.approx(1.0)
    assert scale.low < 1.0


@given(losses=st.lists(st.none() | st.floats(0, 1e4), min_size=2, max_size=60))
def test_loss_chart_draws_within_its_frame(losses: list[float | None]) -> None:
    chart = loss_chart(steps(losses))

    if sum(loss is not None for loss in losses) < 2:
        assert chart is None
        return
    assert chart is not None
    for shape in chart.shapes:
        places = [int(place) for place in re.findall(r"-?\d+", shape.path)]
        assert all(0 <= place <= 1000 for place in places)
    assert all(0 <= tick.at <= 100 for tick in (*chart.x_ticks, *chart.y_ticks))


def test_loss_chart_of_very_many_steps_stays_small_and_shows_the_spread() -> None:
    chart = loss_chart(steps([2.0 + (-1) ** n / 2 for n in range(50_000)]))

    assert chart is not None
    assert {shape.kind for shape in chart.shapes} == {"band", "line"}
    assert sum(len(shape.path) for shape in chart.shapes) < 12_000


def test_loss_chart_tells_of_steps_without_a_finite_loss() -> None:
    chart = loss_chart(steps([1.0, None, 0.5]))

    assert chart is not None
    assert "1 steps had no finite loss" in chart.summary


def test_metric_chart_marks_the_best_evaluation() -> None:
    chart = metric_chart(scored(0.5, 0.75, 0.7), "dev/f1", best_step=20, last_step=30)

    assert chart is not None
    assert [dot.is_best for dot in chart.dots] == [False, True, False]
    assert "Best 0.7500 at step 20" in chart.summary


def test_metric_chart_of_one_evaluation_is_a_dot() -> None:
    chart = metric_chart(scored(0.5), "dev/f1", best_step=10, last_step=10)

    assert chart is not None
    assert (len(chart.dots), chart.shapes) == (1, [])


def test_metric_chart_without_the_metric_is_none() -> None:
    assert metric_chart(scored(0.5), "dev/other", best_step=None, last_step=10) is None


@pytest.mark.parametrize("rates", [None, [0.1, 0.1, 0.1]])
def test_rate_chart_of_a_rate_that_never_changes_is_none(rates: list[float] | None) -> None:
    assert rate_chart(steps([1.0, 1.0, 1.0], rates=rates)) is None


def test_rate_chart_labels_small_rates_in_one_way() -> None:
    chart = rate_chart(steps([1.0, 1.0, 1.0], rates=[0.0, 0.0002, 0.0]))

    assert chart is not None
    assert [tick.label for tick in chart.y_ticks] == ["0", "5e-5", "1e-4", "1.5e-4", "2e-4"]
