"""Turn losses into moved weights: gradients, clipping, learning rate, optimizer."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from envkit.finetune.adapters import adapter_state, after_step, penalty, restore_adapter_state
from envkit.finetune.optimizer import (
    clip,
    make_optimizer,
    parameter_groups,
    schedule_factor,
    set_learning_rate,
)
from envkit.finetune.state import Part, optimizer_state, set_optimizer_state

if TYPE_CHECKING:
    from pathlib import Path

    import torch
    from transformers import PreTrainedModel

    from envkit.api import FinetuneOptions
    from envkit.finetune.adapters import Adapters
    from envkit.finetune.masters import Masters
    from envkit.finetune.ranks import Ranks


@dataclass(frozen=True)
class Update:
    """What an update came to: the highest learning rate, and the norm of the gradients before clipping.

    The norm is None where float16's loss scale was too large and the step is left out.
    """

    learning_rate: float
    norm: float | None


class Updater:
    """The optimizer of a model, told by the options how to move its weights, and the masters that it moves."""

    def __init__(
        self,
        model: PreTrainedModel,
        masters: Masters,
        options: FinetuneOptions,
        *,
        ranks: Ranks,
        learning_rate: float,
        adapters: Adapters | None = None,
    ) -> None:
        groups = parameter_groups(
            model,
            learning_rate=learning_rate,
            weight_decay=options.weight_decay,
            layer_decay=options.layer_decay,
        )
        self.masters = masters
        self.adapters = adapters
        self._options = options
        self._ranks = ranks
        self._optimizer = make_optimizer(options.optimizer, groups, masters.weights)

    def backward(self, loss: torch.Tensor) -> None:
        """Add the gradients of this loss, a scalar, to those of the step."""
        self.masters.backward(loss)

    def update(self, *, step: int, steps: int) -> Update:
        """Move the weights by the gradients of ``step`` (from 1) of ``steps``, and forget them.

        Gradients that are not finite move nothing. In float16 they may come of the loss scale, which the next
        step then has less of.
        """
        options, weights = self._options, self.masters.weights.values()
        factor = schedule_factor(step - 1, total=steps, warmup=options.warmup, kind=options.schedule)
        learning_rate = set_learning_rate(self._optimizer, factor)
        if self.adapters is not None and (extra := penalty(self.adapters)) is not None:
            self.masters.backward(extra / self._ranks.count)
        self._ranks.sum_gradients(weights)
        is_sound = self.masters.unscale()
        norm = clip(weights, options.clip_norm) if is_sound else math.nan
        if math.isfinite(norm):
            self._optimizer.step()
            self.masters.write_back()
            if self.adapters is not None:
                after_step(self.adapters, step)
        self._optimizer.zero_grad()
        return Update(learning_rate, norm if is_sound else None)

    def state(self) -> dict[str, Part]:
        """Return what a checkpoint keeps of this, the weights aside."""
        return {
            "optimizer": optimizer_state(self._optimizer, self.masters.weights),
            "scaler": Part(values=self.masters.scale_state()),
            "adapters": Part(tensors={} if self.adapters is None else adapter_state(self.adapters)),
        }

    def set_state(self, parts: dict[str, Part], *, folder: Path) -> None:
        """Go on where ``state`` was asked for. Raises: EnvkitError where it is of another training."""
        file = folder / "optimizer.safetensors"
        set_optimizer_state(self._optimizer, self.masters.weights, parts["optimizer"], file=file)
        self.masters.set_scale_state(parts["scaler"].values)
        if self.adapters is not None:
            restore_adapter_state(self.adapters, parts["adapters"].tensors)
