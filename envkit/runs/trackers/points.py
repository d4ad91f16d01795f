"""What a run's events say in numbers: a point a step, each step once, and how the run ended."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from envkit.api.events import Hello, Measured, Metrics, Refused, Step
from envkit.runs.progress import RunProgress

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from envkit.api.events import AnyEvent
    from envkit.api.records import RunRequest

Plain = bool | int | float | str


@dataclass(frozen=True, kw_only=True)
class Point:
    """Values by name after ``step`` optimizer steps; ``time`` in seconds since the epoch."""

    step: int
    time: float
    values: Mapping[str, float]


class PointReader:
    """Turn events into points, one event after the other."""

    def __init__(self) -> None:
        self._progress = RunProgress()

    def after(self, event: AnyEvent) -> Point | None:
        """Return the point that this event gives.

        A step gives ``train/loss``, ``train/learning_rate`` and ``train/tokens_per_second`` (real tokens, over
        some seconds), each as far as it is known; an evaluation gives its metrics under their own names, and a
        figure about the run itself ``measured/<name>``.
        """
        self._progress = progress = self._progress.after(event)
        if isinstance(event, Metrics):
            return _point(event.step, event, event.values)
        if isinstance(event, Measured):
            return _point(progress.step, event, {f"measured/{event.name}": event.value})
        if isinstance(event, Step):
            values = {
                "train/loss": event.loss,
                "train/learning_rate": event.learning_rate,
                "train/tokens_per_second": progress.tokens_per_second,
            }
            known = {name: value for name, value in values.items() if value is not None}
            return _point(event.step, event, known)
        return None


def counted_events(events: Sequence[AnyEvent]) -> list[AnyEvent]:
    """Return the events without the steps and evaluations that a resumed run has done again.

    The later ones count: a worker that goes on from step 40 takes back all that was told of steps beyond.
    """
    kept: list[AnyEvent] = []
    bound: float = float("inf")
    told: set[tuple[int, str]] = set()
    is_refused = False
    for event in reversed(events):
        match event:
            case Refused():  # that worker did nothing, so it takes nothing back
                is_refused = event.after_hello
                kept.append(event)
            case Hello():
                if not is_refused:
                    bound = min(bound, event.from_step or 0)
                is_refused = False
                kept.append(event)
            case Step():
                if event.step <= bound:
                    kept.append(event)
            case Metrics():
                # The evaluation that follows a checkpoint is done again after it: same step, same names.
                fresh = {
                    name: value for name, value in event.values.items() if (event.step, name) not in told
                }
                told.update((event.step, name) for name in fresh)
                if event.step <= bound and fresh:
                    kept.append(msgspec.structs.replace(event, values=fresh))
            case _:
                kept.append(event)
    return kept[::-1]


def interval_values(intervals: Mapping[str, tuple[float, float]]) -> dict[str, float]:
    """Return the bounds of intervals as values of their own: ``<name>_low`` and ``<name>_high``."""
    return {
        f"{name}_{bound}": value
        for name, interval in intervals.items()
        for bound, value in zip(("low", "high"), interval, strict=True)
    }


def hyperparameters(request: RunRequest) -> dict[str, Plain]:
    """Return task, plugin and resolved options as plain values; options that are not set are left out."""
    values: dict[str, Plain] = {
        "task": request.task,
        "plugin": f"{request.plugin.distribution} {request.plugin.version}",
    }
    for name, value in request.options.items():
        if value is not None:
            values[name] = value if isinstance(value, Plain) else str(value)
    return values


def _point(step: int, event: AnyEvent, values: Mapping[str, float]) -> Point | None:
    return Point(step=step, time=event.time, values=values) if values else None
