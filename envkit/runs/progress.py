"""Where a run stands, computed from its events alone."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from envkit.api.events import AnyEvent, Done, Failed, Hello, Metrics, Phase, Plan, Step

if TYPE_CHECKING:
    from collections.abc import Mapping

# Long enough that a batch of long texts does not shake the figure, short enough to show a machine slowing.
_WINDOW_SECONDS = 15.0
# Of the loss shown, the share that older steps keep at each new one: about the last 20 steps count.
_LOSS_MEMORY = 0.95


@dataclass(frozen=True)
class _Sample:
    time: float
    step: int
    tokens: int


@dataclass(frozen=True, kw_only=True)
class RunProgress:
    """A run as its events tell it so far. ``after`` returns the next state; times are the events' own.

    ``steps`` is None until the loop has said how many; ``loss`` is smoothed over about 20 steps;
    ``metrics`` are of the last evaluation, after ``metrics_step`` steps; ``seconds`` are of the phases that
    are over. ``status`` is None while the run goes on.
    """

    pid: int | None = None
    plugin: str | None = None
    phase: str | None = None
    phase_began: float = 0.0
    seconds: Mapping[str, float] = field(default_factory=dict)
    step: int = 0
    steps: int | None = None
    epochs: float | None = None
    loss: float | None = None
    learning_rate: float | None = None
    tokens: int = 0
    tokens_per_second: float | None = None
    seconds_per_step: float | None = None
    metrics: Mapping[str, float] = field(default_factory=dict)
    metrics_step: int | None = None
    status: str | None = None
    _loss_weight: float = 0.0
    _samples: tuple[_Sample, ...] = ()

    @property
    def seconds_left(self) -> float | None:
        """Return the seconds that the remaining steps take at the present pace, None while unknown.

        Evaluations on the way are not in it.
        """
        if self.steps is None or self.seconds_per_step is None:
            return None
        return max(0, self.steps - self.step) * self.seconds_per_step

    def seconds_until(self, moment: float) -> dict[str, float]:
        """Return the seconds of every phase, the present one counted up to ``moment``."""
        spent = dict(self.seconds)
        if self.phase is not None:
            spent[self.phase] = spent.get(self.phase, 0.0) + max(0.0, moment - self.phase_began)
        return spent

    def after(self, event: AnyEvent) -> RunProgress:
        """Return the state after this event."""
        match event:
            case Hello():  # another worker in the same folder starts over
                return RunProgress(pid=event.pid, plugin=event.plugin)
            case Phase():
                seconds = self.seconds_until(event.time)
                # The time of an evaluation or a save is no step's time: measure afresh after it.
                return replace(self, phase=event.name, phase_began=event.time, seconds=seconds, _samples=())
            case Plan():
                return replace(self, steps=event.steps, epochs=event.epochs)
            case Step():
                return self._after_step(event)
            case Metrics():
                values = event.values
                return replace(self, metrics=values, metrics_step=event.step, _samples=())
            case Failed():
                return replace(self, status="failed")
            case Done():
                return replace(self, status=event.status)
            case _:
                return self

    def _after_step(self, event: Step) -> RunProgress:
        sample = _Sample(event.time, event.step, event.tokens)
        recent = tuple(old for old in self._samples if old.time > event.time - _WINDOW_SECONDS)
        # Where one step takes longer than the window, the step before it still says how long.
        samples = (*(recent or self._samples[-1:]), sample)
        tokens_per_second, seconds_per_step = self.tokens_per_second, self.seconds_per_step
        spent, done = sample.time - samples[0].time, sample.step - samples[0].step
        if spent > 0 and done > 0:
            tokens_per_second = (sample.tokens - samples[0].tokens) / spent
            seconds_per_step = spent / done
        loss, weight = None, 0.0  # a loss that was no number says nothing of the next
        if event.loss is not None:
            kept = 0.0 if self.loss is None else _LOSS_MEMORY * self._loss_weight
            weight = kept + 1.0
            loss = (kept * (self.loss or 0.0) + event.loss) / weight
        return replace(
            self,
            step=event.step,
            tokens=event.tokens,
            loss=loss,
            learning_rate=event.learning_rate,
            tokens_per_second=tokens_per_second,
            seconds_per_step=seconds_per_step,
            _loss_weight=weight,
            _samples=samples,
        )
