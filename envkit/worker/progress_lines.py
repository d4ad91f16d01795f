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
    """Say phases, choices, messages and metrics at once, and how training stands every few seconds."""

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

    def event(self, event: AnyEvent) -> None:
        """Say what there is to say of an event."""
        match event:
            case Phase():
                self._say(event.name)
            case Message():
                self._said.event(event)
            case Plan():
                self._steps = event.steps
            case Choice():
                self._chosen = event.value if event.name == METRIC_CHOICE else self._chosen
                self._say(f"{event.name}: {event.value} ({event.reason})")
            case Metrics():
                self._say(f"{self._where(event.step)}  {self._scores(event)}")
            case Step():
                self._step(event)

    def _step(self, step: Step) -> None:
        first = self._first = self._first or step
        if step.loss is not None:
            before = step.loss if self._loss is None else self._loss
            self._loss = _LOSS_KEPT * before + (1 - _LOSS_KEPT) * step.loss
        is_last = step.step == self._steps
        if not is_last and self._clock() - self._said_at < _SECONDS_BETWEEN_STEPS:
            return
        parts = [self._where(step.step)]
        if self._loss is not None:
            parts.append(f"loss {self._loss:.3f}")
        spent = step.time - first.time
        if spent > 0:
            parts.append(f"{(step.tokens - first.tokens) / spent:,.0f} tokens/s")
        self._say("  ".join(parts))

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
