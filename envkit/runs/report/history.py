"""What happened in a run, from its events: steps, evaluations, what was chosen and what was warned of."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from envkit.api.events import AnyEvent, Choice, Hello, Message, Metrics, Plan, Refused, Step
from envkit.api.records import ChoiceRecord, EvaluationRecord
from envkit.runs.follow import EventTail

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class RunHistory:
    """The steps and evaluations that count, by step, over all workers of the run.

    A worker that resumed at step N took back what came after it. ``evaluations`` are those of the training:
    where the saved model was scored once more after the last step, the earlier score of that step stands.
    """

    steps: Sequence[Step] = ()
    evaluations: Sequence[EvaluationRecord] = ()
    choices: Mapping[str, ChoiceRecord] = field(default_factory=dict)
    warnings: Sequence[str] = ()
    resumed_from: Sequence[int] = ()
    planned_steps: int | None = None


def read_history(events_file: Path) -> RunHistory:
    """Return what the events in this file tell, nothing if there is no file."""
    return history_of(EventTail(events_file).read())


def history_of(events: Iterable[AnyEvent]) -> RunHistory:
    """Return what these events tell."""
    steps: dict[int, Step] = {}
    evaluations: dict[int, dict[str, float]] = {}
    choices: dict[str, ChoiceRecord] = {}
    warnings: dict[str, None] = {}  # in their order, each once
    resumed_from: list[int] = []
    plan: Plan | None = None
    for event in _counted(events):
        match event:
            case Hello() if event.from_step is not None:
                resumed_from.append(event.from_step)
                steps = {step: said for step, said in steps.items() if step <= event.from_step}
                evaluations = {step: said for step, said in evaluations.items() if step <= event.from_step}
            case Step():
                steps[event.step] = event
            case Metrics():
                evaluations[event.step] = {**event.values, **evaluations.get(event.step, {})}
            case Plan():
                plan = event
            case Choice():
                choices[event.name] = ChoiceRecord(value=event.value, reason=event.reason)
            case Message(level="warning"):
                warnings[event.text] = None
    epochs_a_step = plan.epochs / plan.steps if plan is not None and plan.steps else None
    return RunHistory(
        steps=[steps[step] for step in sorted(steps)],
        evaluations=[
            EvaluationRecord(
                step=step,
                values=evaluations[step],
                epoch=None if epochs_a_step is None else round(step * epochs_a_step, 2),
            )
            for step in sorted(evaluations)
        ],
        choices=choices,
        warnings=list(warnings),
        resumed_from=resumed_from,
        planned_steps=None if plan is None else plan.steps,
    )


def _counted(events: Iterable[AnyEvent]) -> list[AnyEvent]:
    """Return the events of the workers that count: no refused one, none before one that began anew."""
    workers: list[list[AnyEvent]] = [[]]
    for event in events:
        if isinstance(event, Hello):
            workers.append([])
        if not isinstance(event, Refused):
            workers[-1].append(event)
        elif event.after_hello and len(workers) > 1:
            workers.pop()
    anew = [number for number, worker in enumerate(workers) if worker and _begins(worker[0])]
    return [event for worker in workers[anew[-1] if anew else 0 :] for event in worker]


def _begins(event: AnyEvent) -> bool:
    return isinstance(event, Hello) and event.from_step is None
