"""Find out how much can be computed at once before memory runs out, by trying."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from envkit.finetune.state import random_state, set_random_state

if TYPE_CHECKING:
    from collections.abc import Callable

    from transformers import PreTrainedModel

# More at once makes a CPU no faster, and memory is not asked before it is gone.
_CPU_TOKENS = 4096
_HEADROOM = 0.8  # of what a GPU could take: other programs and fragments take some


def find_largest_batch(
    model: PreTrainedModel, *, most: int, try_tokens: Callable[[int], torch.Tensor]
) -> int:
    """Return how many tokens, padding included, to compute at once: at most ``most``, which is a whole step.

    On a GPU ``try_tokens`` computes the loss of the longest rows, as many as make that many tokens; it is
    halved until forward and backward fit. The model and the random numbers are left as they were.
    Raises: torch.OutOfMemoryError where not even one row does.
    """
    if model.device.type == "cpu":
        return min(most, _CPU_TOKENS)
    random, was_training = random_state(), model.training
    model.train()  # dropout takes memory too
    tokens = most
    try:
        while True:
            try:
                try_tokens(int(tokens / _HEADROOM)).backward()
                return tokens
            except torch.OutOfMemoryError:
                if tokens <= 1:
                    raise
                tokens //= 2
            finally:
                model.zero_grad(set_to_none=True)  # else they would be part of the first step
            torch.cuda.empty_cache()
    finally:
        model.train(was_training)
        set_random_state(random)
