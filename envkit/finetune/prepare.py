"""Make a training of a run, a model and rows: what is trained, in which steps, in which numbers, from where."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import msgspec
import torch

from envkit.api import UsageError
from envkit.checkpoints import (
    check_checkpoint,
    checkpoint_dir,
    describe_run,
    differences,
    discard_after,
    read_manifest,
)
from envkit.checkpoints.settle import settle_changes
from envkit.finetune.adapters import Adapters, add_adapters
from envkit.finetune.attention import speed_up_attention
from envkit.finetune.batching import StepSize, by_length, choose_step_size, cut, plan_steps
from envkit.finetune.dropout import speed_up_dropout
from envkit.finetune.freezing import count_trained, freeze
from envkit.finetune.masters import Masters
from envkit.finetune.memory import find_largest_batch
from envkit.finetune.precision import choose_precision
from envkit.finetune.ranks import current_ranks
from envkit.finetune.standing import Standing
from envkit.finetune.state import describe_model
from envkit.finetune.training import Position, Training, describe_rows, saved_pieces, saved_position
from envkit.finetune.updates import Updater

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence
    from pathlib import Path

    from transformers import PreTrainedModel

    from envkit.api import FinetuneOptions, Run
    from envkit.checkpoints import MadeBy
    from envkit.finetune.rows import Row

RowT = TypeVar("RowT", bound="Row")
BatchT = TypeVar("BatchT")

# An adapter has few weights, which begin at no change: at the rate of a whole model it hardly learns.
ADAPTER_RATES = {"lora": 10, "adalora": 10, "ia3": 50}
# Steps that keep a GPU busy; not measured on one.
ACCELERATOR_STEPS = 4
# However little the data: a model that is moved less often has not learned yet, and small steps cost little then.
ENOUGH_STEPS = 150
SMALLEST_STEP = 128
_TRIED_TOKENS = 512  # to compare precisions by


def prepare(
    run: Run[Any, Any],
    model: PreTrainedModel,
    rows: Sequence[RowT],
    *,
    collate: Callable[[Sequence[RowT]], BatchT],
    loss: Callable[[torch.nn.Module, BatchT], torch.Tensor],
    learning_rate: float,
    tokens_per_step: int,
    rows_per_step: int = 1,
    metrics: Collection[str] = (),
) -> Training[RowT, BatchT]:
    """Return a training of these rows, at its beginning or at ``run.checkpoint``; ``steps`` goes through it.

    ``run.options`` are FinetuneOptions. ``collate`` turns rows into a batch on the model's device;
    ``loss(model, batch)`` is a scalar, the sum over the batch's labelled items. ``learning_rate`` and
    ``tokens_per_step`` (padding included, on a CPU) hold where the options say nothing; an adapter learns
    at a multiple of the one, a GPU's steps are larger, and those over little data smaller. A step has room
    for ``rows_per_step`` rows of mean length at least: where a row bears one label, a step of one long row
    would follow the noise of that label. ``metrics`` are the names that evaluations will have, so that a wrong ``--metric`` is found before the training. Freezes
    weights, adds adapters, plans the steps, finds out precision and memory by trying, and reports what it
    chose. Raises: UsageError for options that do not fit the model, ResumeRefused where something is not as it
    was at the checkpoint.
    """
    options: FinetuneOptions = run.options
    device, ranks = model.device, current_ranks()
    metric = options.metric or run.headline
    standing = Standing(metric=metric if "/" in metric else f"dev/{metric}")
    if metrics:
        standing.check(metrics)
    as_loaded = describe_model(model)
    lengths = [len(row.pieces) for row in rows]
    size = _choose_size(run, _scaled_tokens(tokens_per_step, device), lengths, rows=rows_per_step)
    plan = plan_steps(lengths, size, epochs=options.epochs, seed=run.seed, max_steps=options.max_steps)
    adapters = _choose_trained(run, model, steps=len(plan.steps))
    speed_up_dropout(model)
    speed_up_attention(model)

    def try_batch(numbers: Sequence[int]) -> torch.Tensor:
        return loss(model, collate([rows[number] for number in numbers]))

    if run.checkpoint is None:
        position = _find_position(run, model, lengths, size, adapters, try_batch, standing)
    else:
        position = saved_position(run.checkpoint)
        if options.precision != "auto":
            position.precision = options.precision
        if position.standing.metric != standing.metric or _is_best_lost(run.run_dir, position.standing):
            position.standing = standing
    pieces = {piece for row in rows for piece in row.pieces}
    if run.checkpoint is not None:
        pieces |= saved_pieces(run.checkpoint)  # of other data, where the run is forced to go on
    masters = Masters(model, position.precision, pieces=pieces)
    made_by = msgspec.structs.replace(
        describe_run(run.run_dir, options),
        threads=torch.get_num_threads(),
        device=device.type,
        precision=position.precision,
        world_size=ranks.count,
        digests={
            "order or content of the training rows": describe_rows(rows),
            "model to start from": as_loaded,
        },
    )
    training = Training(
        run=run,
        model=model,
        rows=rows,
        collate=collate,
        loss=loss,
        plan=plan,
        updater=Updater(
            model,
            masters,
            options,
            ranks=ranks,
            learning_rate=_choose_learning_rate(run, learning_rate),
            adapters=adapters,
        ),
        ranks=ranks,
        position=position,
        made_by=made_by,
    )
    if run.checkpoint is None:
        discard_after(run.run_dir, -1)
    else:
        _settle(run, run.checkpoint, made_by)
        training.restore(run.checkpoint)
        discard_after(run.run_dir, position.step)
    return training


def _is_best_lost(run_dir: Path, standing: Standing) -> bool:
    """Tell whether the best weights so far are not what they were; only a forced run comes to this."""
    if standing.best_step is None:
        return False
    return check_checkpoint(checkpoint_dir(run_dir, "best", standing.best_step)) is not None


def _choose_size(run: Run[Any, Any], usual: int, lengths: Sequence[int], *, rows: int) -> StepSize:
    """Return how large a step is; where that was left open, what suits the task and the amount of data."""
    options: FinetuneOptions = run.options
    room = rows * sum(lengths) // max(1, len(lengths))
    enough = sum(lengths) * options.epochs // ENOUGH_STEPS
    # A step over few long rows is never less than half the room: it would be less than a handful of labels.
    tokens = min(max(usual, room), max(SMALLEST_STEP, enough, room // 2))
    if options.batch_size is None and options.tokens_per_step is None:
        if tokens == usual:
            reason = "the default of the task"
        elif tokens < usual:
            reason = "few, so that little data makes enough steps"
        else:
            reason = "more than usual, for rows this long"
        run.report.choice("tokens per step", str(tokens), reason)
    return choose_step_size(options, default_tokens=tokens)


def _scaled_tokens(tokens: int, device: torch.device) -> int:
    return tokens if device.type == "cpu" else ACCELERATOR_STEPS * tokens


def _choose_learning_rate(run: Run[Any, Any], usual: float) -> float:
    """Return the rate that was asked for, or what suits what is trained, which is then reported."""
    options: FinetuneOptions = run.options
    if options.learning_rate is not None:
        return options.learning_rate
    factor = ADAPTER_RATES.get(options.peft, 1)
    reason = "the default of the task" if factor == 1 else f"{factor} times the task's, for {options.peft}"
    run.report.choice("learning rate", f"{factor * usual:g}", reason)
    return factor * usual


def _choose_trained(run: Run[Any, Any], model: PreTrainedModel, *, steps: int) -> Adapters | None:
    """Freeze what is not to be trained; put adapters in where they are asked for, and say what is left."""
    options: FinetuneOptions = run.options
    freeze(model, options.freeze)
    adapters = None
    if options.peft != "none":
        adapters = add_adapters(
            model,
            options.peft,
            base=options.model,
            rank=options.peft_rank,
            total_steps=steps,
            seed=run.seed,
        )
    trained = count_trained(model)
    if trained.trained < trained.total:
        run.report.say(f"Training {trained}")
    return adapters


def _find_position(
    run: Run[Any, Any],
    model: PreTrainedModel,
    lengths: Sequence[int],
    size: StepSize,
    adapters: Adapters | None,
    try_batch: Callable[[Sequence[int]], torch.Tensor],
    standing: Standing,
) -> Position:
    """Return the position before the first step, with what is found out by trying."""
    options: FinetuneOptions = run.options
    asked = options.precision
    if adapters is not None and adapters.kind == "adalora":
        # It moves ranks by the gradients of the model's own weights, which only float32 leaves there.
        if asked not in ("auto", "float32"):
            raise UsageError(
                f"--peft adalora computes in float32, and --precision is {asked}",
                hint="Leave --precision out, or give --peft lora",
            )
        asked = "float32"
    longest_first = sorted(range(len(lengths)), key=lambda row: -lengths[row])
    most = max(len(step) * max(lengths[row] for row in step) for step in cut(longest_first, lengths, size))
    largest = options.micro_batch_tokens or find_largest_batch(
        model, most=most, try_tokens=lambda tokens: try_batch(next(by_length(lengths, tokens=tokens)))
    )
    median = sorted(lengths)[len(lengths) // 2]
    middle = longest_first[len(longest_first) // 2 :][: max(1, min(_TRIED_TOKENS, most) // median)]
    precision = choose_precision(asked, model, device=model.device, loss=lambda: try_batch(middle))
    run.report.choice("precision", precision.name, precision.reason)
    return Position(standing=standing, precision=precision.name, largest_batch=largest)


def _settle(run: Run[Any, Any], checkpoint: Path, now: MadeBy) -> None:
    """Refuse to go on where something has changed that only shows here. Raises: ResumeRefused."""
    then = read_manifest(checkpoint).made_by
    # What is known without torch was compared before it loaded.
    late = msgspec.structs.replace(
        now, options=then.options, data=then.data, packages=then.packages, python=then.python
    )
    overridden = settle_changes(differences(then, late), run_dir=run.run_dir, is_forced=run.is_forced)
    if overridden is not None:
        run.report.warn(overridden)
