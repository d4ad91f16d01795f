"""The processes that train one model together, where there are several: each is a rank of torch.distributed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import distributed

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True)
class Ranks:
    """This process, ``number`` of ``count``; a process alone is 0 of 1, and sums are what they were."""

    number: int = 0
    count: int = 1

    def sum(self, value: torch.Tensor) -> torch.Tensor:
        """Return the sum of this value, of any shape, over all ranks, each of which must call this."""
        if self.count > 1:
            value = value.detach().clone()
            distributed.all_reduce(value)
        return value

    def sum_gradients(self, weights: Iterable[torch.Tensor]) -> None:
        """Replace each weight's gradient, of any shape, by its sum over all ranks; one that has none adds nothing."""
        if self.count == 1:
            return
        for weight in weights:
            if weight.grad is None:
                weight.grad = torch.zeros_like(weight)
            distributed.all_reduce(weight.grad)


def current_ranks() -> Ranks:
    """Return what ``torch.distributed`` says, after ``init_process_group``; without it, one process alone."""
    if distributed.is_available() and distributed.is_initialized():
        return Ranks(distributed.get_rank(), distributed.get_world_size())
    return Ranks()
