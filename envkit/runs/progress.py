"""Where a run stands, computed from its events alone."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from envkit.api.events import AnyEvent, Choice, Done, Failed, Hello, Metrics, Phase, Plan, Refused, Step
from envkit.api.metric_names import METRIC_CHOICE
from envkit.runs.follow import EventTail

if TYPE_CHECKING:
    from collections.abc import Mapping

    from envkit.worker.folder import RunFolder

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
    ``metric`` is the one that the loop chose to go by; ``metrics`` are of the last evaluation, after ``metrics_step`` steps; ``seconds`` are of the phases that
    are over. ``status`` is None while the run goes on. ``from_step`` is where the present worker resumed it,
    None where it began it; of a run that was resumed, ``seconds`` and ``tokens`` are those of all workers.
    """

    pid: int | None = None
    plugin: str | None = None
    from_step: int | None = None
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
    metric: str | None = None
    status: str | None = None
    _loss_weight: float = 0.0
    _samples: tuple[_Sample, ...] = ()
    _earlier_tokens: int = 0
    _now: float = field(default=0.0, compare=False)
    # As it stood when the present worker came.
    _before: RunProgress | None = field(default=None, compare=False, repr=False)

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
        return replace(self._after(event), _now=event.time)

    def _after(self, event: AnyEvent) -> RunProgress:
        match event:
            case Hello():
                return self._after_hello(event)
            case Refused():  # what that worker said counts for nothing
                return (self._before or self) if event.after_hello else self
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
            case Choice(name=name, value=value) if name == METRIC_CHOICE:
                return replace(self, metric=value)
            case Failed():
                return replace(self, status="failed")
            case Done():
                return replace(self, status=event.status)
            case _:
                return self

    def _after_hello(self, hello: Hello) -> RunProgress:
        before = replace(self, _before=None)
        if hello.from_step is None:  # another worker in the same folder starts over
            return RunProgress(pid=hello.pid, plugin=hello.plugin, _before=before)
        step = hello.from_step
        is_scored = self.metrics_step is not None and self.metrics_step <= step
        return RunProgress(
            pid=hello.pid,
            plugin=hello.plugin,
            from_step=step,
            seconds=self.seconds_until(self._now),  # a worker that was killed lived until its last event
            step=step,
            steps=self.steps if step else None,
            epochs=self.epochs if step else None,
            tokens=self.tokens,
            metrics=self.metrics if is_scored else {},
            metrics_step=self.metrics_step if is_scored else None,
            _earlier_tokens=self.tokens,
            _before=before,
        )

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
            tokens=self._earlier_tokens + event.tokens,
            loss=loss,
            learning_rate=event.learning_rate,
            tokens_per_second=tokens_per_second,
            seconds_per_step=seconds_per_step,
            _loss_weight=weight,
            _samples=samples,
        )


def read_progress(folder: RunFolder) -> RunProgress:
    """Return where the run in this folder stands, by the events of all its workers."""
    progress = RunProgress()
    for event in EventTail(folder.events_file).read():
        progress = progress.after(event)
    return progress
