"""Go through the optimizer steps of a training, from wherever it stands to its end."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING, Generic, TypeVar

import torch

from envkit.api import RunCancelled
from envkit.finetune.batching import micro_batches
from envkit.finetune.failing_rows import refuse_gradients, refuse_loss

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from envkit.finetune.rows import Row
    from envkit.finetune.training import Training

RowT = TypeVar("RowT", bound="Row")
BatchT = TypeVar("BatchT")


def steps(training: Training[RowT, BatchT]) -> Iterator[Step[RowT, BatchT]]:
    """Yield the steps that are left, each to be gone through, updated and, where due, reported.

    ::

        for step in steps(training):
            for batch in step:
                step.backward(summed_loss(training.model, batch))
            step.update()
            if step.evaluation_due:
                step.report(evaluate(training.model, dev))

    Between two steps it writes a checkpoint where one is due. It ends after the last step, when ``patience``
    has run out, and, with a checkpoint, when the run is asked to stop; before the first step that raises
    RunCancelled, since there is nothing to be kept.
    Raises: RuntimeError where the loop leaves a part of this out; RunFailed where a loss is no number.
    """
    run, plan, position = training.run, training.plan, training.position
    if position.step == 0 and run.should_stop():
        raise RunCancelled("stopped before the first step")  # there is nothing to be kept
    run.report.plan(steps=len(plan.steps), epochs=plan.epoch_after(len(plan.steps)))
    if not position.is_evaluated:  # it was stopped between a step and its evaluation
        step = Step(training, position.step, rows=())
        run.report.phase("evaluate")
        yield step
        step.check_done()
    while position.step < len(plan.steps) and not training.is_out_of_patience:
        run.report.phase("train")
        training.model.train()
        step = Step(training, position.step + 1, rows=plan.steps[position.step])
        yield step
        step.check_done()
        if position.step < len(plan.steps) and not training.is_stopped:
            training.is_stopped = run.should_stop()  # an evaluation may have taken its time
        if training.is_stopped:
            training.save_checkpoint()
            return
        if training.is_checkpoint_due:
            training.save_checkpoint()


class Step(Generic[RowT, BatchT]):
    """One optimizer step: an iterable of its micro-batches, then ``backward`` for each, then ``update``.

    ``number`` counts from 1; ``items`` are the labelled items of all micro-batches, on all ranks: what each
    summed loss is divided by.
    """

    def __init__(self, training: Training[RowT, BatchT], number: int, *, rows: tuple[int, ...]) -> None:
        self.number = number
        self._training = training
        self._rows = rows
        self._batches = self._cut()
        self.items = sum(training.rows[row].items for row in rows)
        self._given = self._taken = 0
        self._losses: list[torch.Tensor] = []
        self._is_updated = not rows
        self._is_reported = False
        self._began = time.perf_counter()

    def __iter__(self) -> Iterator[BatchT]:
        """Yield the micro-batches of this rank, each for one call of ``backward``."""
        training = self._training
        for numbers in self._batches[self._given :]:
            self._given += 1
            yield training.collate([training.rows[number] for number in numbers])

    def backward(self, loss: torch.Tensor) -> None:
        """Add the gradients of a micro-batch's loss, a sum over its labelled items (a scalar tensor).

        It is divided by the items of the whole step, so that how the step was cut makes no difference.
        Raises: RuntimeError where a micro-batch has two losses.
        """
        if self._taken == self._given:
            raise RuntimeError("step.backward takes one loss for each batch of the step")
        self._taken += 1
        self._training.updater.backward(loss / max(1, self.items))
        self._losses.append(loss.detach())

    def update(self) -> None:
        """Clip, move the weights, and report the step. Raises: RuntimeError, RunFailed."""
        if self._is_updated:
            if self._rows:
                raise RuntimeError("step.update is called once a step")
            return
        if self._taken != len(self._batches):
            raise RuntimeError(
                f"step {self.number} has {len(self._batches)} batches, {self._taken} of which gave a loss"
            )
        training = self._training
        loss = self._mean_loss()
        update = training.updater.update(step=self.number, steps=len(training.plan.steps))
        if update.norm is not None and not math.isfinite(update.norm):
            refuse_gradients(training, update.norm, step=self.number, rows=self._rows)
        self._is_updated = True
        self._count()
        run = training.run
        run.report.step(
            self.number, loss=loss, tokens=training.tokens_here, learning_rate=update.learning_rate
        )
        training.is_stopped = run.should_stop()
        training.position.is_evaluated = not self._is_evaluation_planned
        if self.evaluation_due:
            run.report.phase("evaluate")

    @property
    def evaluation_due(self) -> bool:
        """Tell whether the model is to be scored now, and the values given to ``report``."""
        return not self._training.position.is_evaluated and not self._training.is_stopped

    def report(self, values: Mapping[str, float]) -> None:
        """Report an evaluation (``dev/…``); the best state is kept. Raises: UsageError for an unknown --metric."""
        training = self._training
        training.run.report.metrics(self.number, values)
        training.judge(self.number, values)
        self._is_reported = True

    def check_done(self) -> None:
        """Raise RuntimeError where the loop went on too early: the run would not be what it says it is."""
        if not self._is_updated:
            raise RuntimeError(f"the loop went on without the update of step {self.number}")
        if self.evaluation_due and not self._is_reported:
            raise RuntimeError(
                f"the loop went on without the evaluation that is due after step {self.number}"
            )

    @property
    def _is_evaluation_planned(self) -> bool:
        training = self._training
        return training.plan.is_evaluation_due(self.number, every=training.run.options.eval_every)

    def _cut(self) -> list[list[int]]:
        """Return the micro-batches of this rank: numbers of rows."""
        training, ranks = self._training, self._training.ranks
        batches = micro_batches(
            self._rows, training.lengths, largest=training.largest_batch, ranks=ranks.count
        )
        self._computed = sum(len(batch) * training.lengths[batch[0]] for batch in batches)
        return batches[ranks.number :: ranks.count]

    def _mean_loss(self) -> float:
        """Return the loss an item, over all ranks. Raises: RunFailed where it is no number."""
        training = self._training
        total = torch.zeros((), device=training.model.device)
        for of_batch in self._losses:
            total += of_batch
        loss = float(training.ranks.sum(total) / max(1, self.items))
        if not math.isfinite(loss):
            refuse_loss(
                training, loss, step=self.number, batches=self._batches, losses=map(float, self._losses)
            )
        return loss

    def _count(self) -> None:
        training, position = self._training, self._training.position
        lengths = training.lengths
        position.step = self.number
        position.tokens += sum(lengths[row] for row in self._rows)
        position.computed_tokens += self._computed
        position.train_seconds += time.perf_counter() - self._began
