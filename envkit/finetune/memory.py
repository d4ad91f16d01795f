"""Find out how much can be computed at once before memory runs out, by trying."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from collections.abc import Callable

# More at once makes a CPU no faster, and memory is not asked before it is gone.
_CPU_TOKENS = 4096
_HEADROOM = 0.8  # of what a GPU could take: other programs and fragments take some


def find_largest_batch(device: torch.device, *, most: int, try_tokens: Callable[[int], torch.Tensor]) -> int:
    """Return how many tokens, padding included, to compute at once: at most ``most``, which is a whole step.

    On a GPU ``try_tokens`` computes the loss of the longest rows, as many as make that many tokens; it is
    halved until forward and backward fit. Raises: torch.OutOfMemoryError where not even one row does.
    """
    if device.type == "cpu":
        return min(most, _CPU_TOKENS)
    tokens = most
    while True:
        try:
            try_tokens(int(tokens / _HEADROOM)).backward()
        except torch.OutOfMemoryError:
            torch.cuda.empty_cache()
            if tokens <= 1:
                raise
            tokens //= 2
            continue
        return tokens
