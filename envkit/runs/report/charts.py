"""Curves as shapes: each chart is drawn in a square of 1000 by 1000 that the page stretches to its width."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from envkit.runs.report.numbers import count_text, score_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from envkit.api.events import Step
    from envkit.api.records import EvaluationRecord

_SIDE = 1000
# More points than a wide screen has pixels for are lost on the eye and weigh in the file.
_BUCKETS = 240
# How many of the last steps count for the smoothed loss: a tenth of the run, within these bounds.
_FEWEST_SMOOTHED, _MOST_SMOOTHED = 3, 50


@dataclass(frozen=True, kw_only=True)
class Tick:
    """A mark on an axis, ``at`` per cent from the left or from the top."""

    at: float
    label: str


@dataclass(frozen=True, kw_only=True)
class Shape:
    """A path of the chart: a thin ``raw`` line, the ``band`` between lowest and highest, or the bold ``line``."""

    kind: Literal["raw", "band", "line"]
    path: str


@dataclass(frozen=True, kw_only=True)
class Dot:
    """A point that was measured, in per cent; ``title`` is what it says to whoever points at it."""

    x: float
    y: float
    title: str
    is_best: bool


@dataclass(frozen=True, kw_only=True)
class Chart:
    """A chart with its axes; ``summary`` says in words what it shows, to those who do not see it."""

    name: str
    title: str
    summary: str
    x_ticks: Sequence[Tick]
    y_ticks: Sequence[Tick]
    shapes: Sequence[Shape] = ()
    dots: Sequence[Dot] = ()
    legend: Sequence[tuple[str, str]] = ()


@dataclass(frozen=True)
class Scale:
    """The values from ``low`` to ``high`` along an axis, with the marks that are put on it."""

    low: float
    high: float
    marks: tuple[float, ...]
    unit: float

    def place(self, value: float) -> float:
        """Return where the value lies, from 0 to 1."""
        return min(1.0, max(0.0, (value - self.low) / (self.high - self.low)))


def loss_chart(steps: Sequence[Step]) -> Chart | None:
    """Draw the loss of each step and its smoothed course; None for fewer than two steps with a finite loss."""
    points = [(point.step, point.loss) for point in steps if point.loss is not None]
    if len(points) < 2:
        return None
    smooth = _smoothed(points)
    x = _step_scale(points[-1][0])
    y = make_scale(min(0.0, *(loss for _, loss in points)), max(loss for _, loss in points))
    lost = len(steps) - len(points)
    legend = [("line", "smoothed"), ("raw", "each step")]
    if len(points) > 2 * _BUCKETS:
        legend[1] = ("band", "lowest and highest of neighbouring steps")
    return Chart(
        name="loss",
        title="Training loss",
        summary=f"Smoothed, it goes from {smooth[0][1]:.4g} at step {points[0][0]} to {smooth[-1][1]:.4g} at step "
        f"{points[-1][0]}." + (f" {lost} steps had no finite loss." if lost else ""),
        x_ticks=_x_ticks(x),
        y_ticks=_y_ticks(y),
        shapes=[_raw_shape(points, x, y), Shape(kind="line", path=_line(_thinned(smooth), x, y))],
        legend=legend,
    )


def rate_chart(steps: Sequence[Step]) -> Chart | None:
    """Draw the learning rate; None where the loop did not tell it or it never changed."""
    points = [(point.step, point.learning_rate) for point in steps if point.learning_rate is not None]
    highest = max((rate for _, rate in points), default=0.0)
    if len({rate for _, rate in points}) < 2:
        return None
    x, y = _step_scale(points[-1][0]), make_scale(0.0, highest)
    peak = next(step for step, rate in points if rate == highest)
    return Chart(
        name="rate",
        title="Learning rate",
        summary=f"At most {highest:.3g}, at step {peak}.",
        x_ticks=_x_ticks(x),
        y_ticks=_y_ticks(y),
        shapes=[Shape(kind="line", path=_line(_thinned(points), x, y))],
    )


def metric_chart(
    evaluations: Sequence[EvaluationRecord], metric: str, *, best_step: int | None, last_step: int
) -> Chart | None:
    """Draw what each evaluation found; None where none has the metric. ``last_step`` is where the axis ends."""
    points = [
        (evaluation.step, evaluation.values[metric])
        for evaluation in evaluations
        if math.isfinite(evaluation.values.get(metric, math.nan))
    ]
    if not points:
        return None
    x = _step_scale(max(last_step, points[-1][0]))
    values = [value for _, value in points]
    y = make_scale(min(values), max(values), is_share=all(0 <= value <= 1 for value in values))
    best = dict(points).get(best_step) if best_step is not None else None
    shown = _thinned(points, keep=best_step)
    return Chart(
        name="metric",
        title=metric,
        summary=f"Scored {len(points)} {'time' if len(points) == 1 else 'times'}."
        + (f" Best {score_text(best)} at step {best_step}." if best is not None else ""),
        x_ticks=_x_ticks(x),
        y_ticks=_y_ticks(y),
        shapes=[Shape(kind="line", path=_line(shown, x, y))] if len(points) > 1 else [],
        dots=[
            Dot(
                x=round(100 * x.place(step), 2),
                y=round(100 - 100 * y.place(value), 2),
                title=f"step {step}: {score_text(value)}",
                is_best=step == best_step,
            )
            for step, value in (shown if len(shown) <= 60 else [(best_step, best)])
            if step is not None and value is not None
        ],
        legend=[("best", "best")] if best is not None else [],
    )


def make_scale(low: float, high: float, *, most: int = 5, is_share: bool = False) -> Scale:
    """Return a scale of round marks, at most ``most``, that holds both values; of shares, none beyond 0 and 1."""
    if high - low < 1e-12 * max(1.0, abs(high)):
        margin = abs(high) * 0.1 or 1.0
        low, high = low - margin, high + margin
    unit = _round_unit((high - low) / max(1, most - 1))
    while math.ceil(high / unit - 1e-9) - math.floor(low / unit + 1e-9) > most - 1:
        unit = _round_unit(unit * 1.01)
    first, last = math.floor(low / unit + 1e-9), math.ceil(high / unit - 1e-9)
    marks = [number * unit for number in range(first, last + 1)]
    if is_share:
        marks = [mark for mark in marks if -1e-9 <= mark <= 1 + 1e-9]
    return Scale(marks[0], marks[-1], tuple(marks), unit)


def _round_unit(least: float) -> float:
    """Return the least of 1, 2, 2.5, 5 times a power of ten that is no less."""
    power = 10.0 ** math.floor(math.log10(least))
    return next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= least * (1 - 1e-9))


def _step_scale(last: int) -> Scale:
    """Return the scale of the steps: from 0 to where they end, its marks whole."""
    scale = make_scale(0, max(last, 1), most=6)
    marks = tuple(mark for mark in scale.marks if mark <= max(last, 1) and float(mark).is_integer())
    return Scale(0, max(last, 1), marks, scale.unit)


def _x_ticks(scale: Scale) -> list[Tick]:
    return [Tick(at=round(100 * scale.place(mark), 2), label=_step_text(mark)) for mark in scale.marks]


def _y_ticks(scale: Scale) -> list[Tick]:
    return [
        Tick(at=round(100 - 100 * scale.place(mark), 2), label=_mark_text(mark, scale.unit))
        for mark in scale.marks
    ]


def _step_text(step: float) -> str:
    return f"{step / 1000:g}k" if step >= 10_000 else count_text(step)


def _mark_text(mark: float, unit: float) -> str:
    if abs(mark) < unit / 1000:
        return "0"
    if unit < 0.0005 or unit >= 100_000:
        number, _, power = f"{mark:.1e}".partition("e")
        return f"{number.removesuffix('.0')}e{int(power)}"
    digits = next((digits for digits in range(6) if abs(round(unit, digits) - unit) < unit / 1e6), 6)
    return f"{mark:.{digits}f}"


def _smoothed(points: Sequence[tuple[int, float]]) -> list[tuple[int, float]]:
    memory = 1 - 1 / min(_MOST_SMOOTHED, max(_FEWEST_SMOOTHED, len(points) / 10))
    found = []
    mean = weight = 0.0
    for step, value in points:
        weight = memory * weight + 1.0
        mean += (value - mean) / weight
        found.append((step, mean))
    return found


def _thinned(points: Sequence[tuple[int, float]], *, keep: int | None = None) -> list[tuple[int, float]]:
    """Return the points, or of too many every so many, with the first, the last and that of step ``keep``."""
    stride = math.ceil(len(points) / (2 * _BUCKETS))
    last = len(points) - 1
    return [
        point
        for number, point in enumerate(points)
        if number % stride == 0 or number == last or point[0] == keep
    ]


def _raw_shape(points: Sequence[tuple[int, float]], x: Scale, y: Scale) -> Shape:
    """Return the line through all points, or of too many the band that holds them."""
    if len(points) <= 2 * _BUCKETS:
        return Shape(kind="raw", path=_line(points, x, y))
    size = math.ceil(len(points) / _BUCKETS)
    buckets = [points[start : start + size] for start in range(0, len(points), size)]
    tops = [(bucket[0][0], max(loss for _, loss in bucket)) for bucket in buckets]
    bottoms = [(bucket[0][0], min(loss for _, loss in bucket)) for bucket in reversed(buckets)]
    return Shape(kind="band", path=_line([*tops, *bottoms], x, y) + "Z")


def _line(points: Sequence[tuple[int, float]], x: Scale, y: Scale) -> str:
    places = (f"{_SIDE * x.place(step):.0f} {_SIDE * (1 - y.place(value)):.0f}" for step, value in points)
    return "M" + "L".join(places)
