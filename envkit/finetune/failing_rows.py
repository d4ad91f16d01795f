"""Say which rows made a loss that is no number."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NoReturn

import torch

from envkit.api import RunFailed

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from envkit.finetune.training import Training

_NAMED_ROWS = 8


def refuse_loss(
    training: Training[Any, Any],
    loss: float,
    *,
    step: int,
    batches: Sequence[Sequence[int]],
    losses: Iterable[float],
) -> NoReturn:
    """End the run over a step whose mean loss is ``loss``: name step, rows and last good checkpoint.

    The weights are those of before the step. Raises: RunFailed, always.
    """
    suspects = [
        row for part, of_part in zip(batches, losses, strict=True) if not _is_number(of_part) for row in part
    ]
    guilty = [row for row in suspects if not _is_number(_loss_alone(training, row))]
    named = [training.rows[row].name for row in guilty or suspects]
    rows = ", ".join(named[:_NAMED_ROWS]) + (
        f" and {len(named) - _NAMED_ROWS} more" if named[_NAMED_ROWS:] else ""
    )
    if guilty:
        where = f"; each of these rows alone makes it so: {rows}"
    else:
        where = f"; the rows were {rows}" if rows else ""
    checkpoint = training.last_checkpoint
    kept = f"The last good checkpoint: {checkpoint}" if checkpoint else "There is no checkpoint yet"
    raise RunFailed(
        f"the loss became {loss} at step {step}{where}",
        hint=f"Look at the rows, or start again with a smaller --learning-rate, a tenth to begin with. {kept}",
    )


def _loss_alone(training: Training[Any, Any], row: int) -> float:
    was_training = training.model.training
    training.model.eval()  # without dropout, so that what is found is the row's doing
    try:
        with torch.no_grad():
            return float(training.loss(training.model, training.collate([training.rows[row]])))
    finally:
        training.model.train(was_training)


def _is_number(value: float) -> bool:
    return math.isfinite(value)
