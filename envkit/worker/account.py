"""What the events of all the workers of a run come to, steps that were done twice counted once."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import reduce
from typing import TYPE_CHECKING

from envkit.api.events import (
    AnyEvent,
    Choice,
    EventSplitter,
    Hello,
    Measured,
    Metrics,
    Phase,
    Plan,
    Refused,
    Step,
)
from envkit.api.records import ChoiceRecord, EvaluationRecord

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class RunAccount:
    """A run as its events tell it. ``after`` returns the next state.

    ``step`` counts the steps that hold and ``evaluations`` those after them, by step: a worker that resumes
    at step N takes back what came later. ``tokens`` and ``seconds`` (of phases that are over) are what the
    run has cost: over all workers, with what was done in vain. A worker that was refused is left out.
    """

    resumed_from: tuple[int, ...] = ()
    step: int = 0
    tokens: int = 0
    evaluations: Mapping[int, EvaluationRecord] = field(default_factory=dict)
    choices: Mapping[str, ChoiceRecord] = field(default_factory=dict)
    measured: Mapping[str, float] = field(default_factory=dict)
    seconds: Mapping[str, float] = field(default_factory=dict)
    _epochs_a_step: float | None = None
    _worker_tokens: int = 0
    _phase: str | None = None
    _phase_began: float = 0.0
    _now: float = 0.0
    _before: RunAccount | None = None  # as it was when the present worker came

    def after(self, event: AnyEvent) -> RunAccount:
        """Return the state after this event."""
        match event:
            case Hello():
                return self._after_hello(event)
            case Refused():
                return (self._before or self) if event.after_hello else self
            case Phase():
                return replace(
                    self._close_phase(event.time),
                    _phase=event.name,
                    _phase_began=event.time,
                    _now=event.time,
                )
            case Plan() if event.steps:
                return replace(self, _epochs_a_step=event.epochs / event.steps, _now=event.time)
            case Step():
                tokens = self.tokens + max(0, event.tokens - self._worker_tokens)
                return replace(
                    self, step=event.step, tokens=tokens, _worker_tokens=event.tokens, _now=event.time
                )
            case Metrics():
                return self._after_metrics(event)
            case Choice():
                chosen = ChoiceRecord(value=event.value, reason=event.reason)
                return replace(self, choices={**self.choices, event.name: chosen}, _now=event.time)
            case Measured():
                return replace(self, measured={**self.measured, event.name: event.value}, _now=event.time)
            case _:
                return replace(self, _now=event.time)

    def _after_hello(self, hello: Hello) -> RunAccount:
        if hello.from_step is None:
            return RunAccount(_now=hello.time, _before=replace(self, _before=None))
        closed = self._close_phase(self._now)  # a worker that was killed lived at least until its last event
        kept = {
            step: record
            for step, record in self.evaluations.items()
            if hello.from_step and step <= hello.from_step
        }
        return replace(
            closed,
            resumed_from=(*self.resumed_from, hello.from_step),
            step=hello.from_step,
            evaluations=kept,
            _worker_tokens=0,
            _now=hello.time,
            _before=replace(self, _before=None),
        )

    def _after_metrics(self, event: Metrics) -> RunAccount:
        earlier = self.evaluations.get(event.step)
        values = {**(earlier.values if earlier is not None else {}), **event.values}
        epoch = None if self._epochs_a_step is None else round(event.step * self._epochs_a_step, 4)
        record = EvaluationRecord(step=event.step, values=values, epoch=epoch)
        return replace(self, evaluations={**self.evaluations, event.step: record}, _now=event.time)

    def _close_phase(self, moment: float) -> RunAccount:
        if self._phase is None:
            return self
        spent = self.seconds.get(self._phase, 0.0) + max(0.0, moment - self._phase_began)
        return replace(self, _phase=None, seconds={**self.seconds, self._phase: spent})


def read_account(events_file: Path) -> RunAccount:
    """Return what the events in this file come to; nothing if there is no file. Raises: OSError."""
    try:
        content = events_file.read_bytes()
    except FileNotFoundError:
        return RunAccount()
    return reduce(RunAccount.after, EventSplitter().feed(content + b"\n"), RunAccount())
