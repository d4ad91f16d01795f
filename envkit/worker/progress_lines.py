"""The progress of a run as plain lines: for logs, and where no host draws a bar."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from envkit.api.events import AnyEvent, Choice, Message, Metrics, Phase, Plan, Step
from envkit.api.metric_names import METRIC_CHOICE, find_headline

if TYPE_CHECKING:
    from collections.abc import Callable

    from envkit.worker.said_lines import SaidLines

_SECONDS_BETWEEN_STEPS = 5.0
_MOST_METRICS = 3
_LOSS_KEPT = 0.95  # of what is shown; the rest is the new step's


class ProgressLines:
    """Say choices, messages and metrics at once, a phase where it first begins, how training stands every few seconds."""

    def __init__(
        self, said: SaidLines, *, headline: str, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._said = said
        self._headline = headline
        self._clock = clock
        self._steps: int | None = None
        self._chosen: str | None = None
        self._loss: float | None = None
        self._said_at = float("-inf")
        self._first: Step | None = None
        self._last: Step | None = None
        self._phases: set[str] = set()
        self._evaluation = ""

    def event(self, event: AnyEvent) -> None:
        """Say what there is to say of an event."""
        match event:
            case Phase():
                if event.name not in self._phases:
                    self._phases.add(event.name)
                    self._say(event.name)
            case Message():
                self._said.event(event)
            case Plan():
                self._steps = event.steps
            case Choice():
                self._chosen = event.value if event.name == METRIC_CHOICE else self._chosen
                self._say(f"{event.name}: {event.value} ({event.reason})")
            case Metrics():
                self._metrics(event)
            case Step():
                self._step(event)

    def _step(self, step: Step) -> None:
        self._first = self._first or step
        self._last = step
        if step.loss is not None:
            before = step.loss if self._loss is None else self._loss
            self._loss = _LOSS_KEPT * before + (1 - _LOSS_KEPT) * step.loss
        if self._clock() - self._said_at >= _SECONDS_BETWEEN_STEPS:
            self._say("  ".join((self._where(step.step), *self._pace())))

    def _metrics(self, event: Metrics) -> None:
        """Say the scores, behind how training stands where that was not said of this step."""
        scores = f"{self._where(event.step)}  {self._scores(event)}"
        if scores == self._evaluation:  # the best model, once more
            return
        self._evaluation = scores
        is_new = self._last is not None and self._last.step == event.step
        self._say(
            "  ".join((self._where(event.step), *(self._pace() if is_new else ()), self._scores(event)))
        )

    def _pace(self) -> list[str]:
        """Return loss and tokens a second at the last step, and forget the step: it is said once."""
        parts = [] if self._loss is None else [f"loss {self._loss:.3f}"]
        first, last = self._first, self._last
        if first is not None and last is not None and last.time > first.time:
            speed = (last.tokens - first.tokens) / (last.time - first.time)
            parts.append(f"{speed:,.0f} tokens/s")
        self._last = None
        return parts

    def _scores(self, event: Metrics) -> str:
        shown = find_headline(self._headline, chosen=self._chosen)
        names = [name for name in event.values if name.rpartition("/")[2] == shown]
        return "  ".join(
            f"{name} {event.values[name]:.4f}" for name in names or list(event.values)[:_MOST_METRICS]
        )

    def _where(self, step: int) -> str:
        return f"step {step}/{self._steps}" if self._steps else f"step {step}"

    def _say(self, text: str) -> None:
        self._said_at = self._clock()
        self._said.say(text)
