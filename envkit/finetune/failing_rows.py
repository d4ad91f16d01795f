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
_TRIED_ROWS = 8


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
    others = list(range(0, len(training.rows), 1 + len(training.rows) // _TRIED_ROWS))
    if not any(_is_number(_loss_alone(training, row)) for row in others):
        raise RunFailed(
            f"the loss became {loss} at step {step}, and so it is of every other row: the steps before have "
            "ruined the weights, and the checkpoints may hold them too",
            hint="Start again with a smaller --learning-rate, a tenth to begin with",
        )
    guilty = [row for row in suspects if not _is_number(_loss_alone(training, row))]
    rows = _names(training, guilty or suspects)
    if guilty:
        where = f"; each of these rows alone makes it so: {rows}"
    else:
        where = f"; the rows were {rows}" if rows else ""
    raise RunFailed(f"the loss became {loss} at step {step}{where}", hint=_hint(training))


def refuse_gradients(
    training: Training[Any, Any], norm: float, *, step: int, rows: Sequence[int]
) -> NoReturn:
    """End the run over a step whose gradients have a norm that is no number. Raises: RunFailed, always."""
    raise RunFailed(
        f"the gradients became {norm} at step {step}, though the loss did not; the rows were "
        f"{_names(training, rows)}",
        hint=_hint(training),
    )


def refuse_ruined_weights(training: Training[Any, Any]) -> None:
    """Raise RunFailed where the model gives no number for a training row: it is not worth saving."""
    loss = _loss_alone(training, 0)
    if not _is_number(loss):
        raise RunFailed(
            f"the training has ruined the weights: the loss of a training row is {loss}",
            hint="Start again with a smaller --learning-rate, a tenth to begin with",
        )


def _names(training: Training[Any, Any], rows: Sequence[int]) -> str:
    named = [training.rows[row].name for row in rows]
    more = f" and {len(named) - _NAMED_ROWS} more" if named[_NAMED_ROWS:] else ""
    return ", ".join(named[:_NAMED_ROWS]) + more


def _hint(training: Training[Any, Any]) -> str:
    checkpoint = training.last_checkpoint
    kept = f"The last good checkpoint: {checkpoint}" if checkpoint else "There is no checkpoint yet"
    return f"Look at the rows, or start again with a smaller --learning-rate, a tenth to begin with. {kept}"


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
