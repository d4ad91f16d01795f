"""Dropout from cheap random bits: on a CPU torch draws a number for each element, on one core alone."""

from __future__ import annotations

from typing import Any

import torch

_BITS = 16  # an element; so the share that is kept is exact to 1/65536, and scaled by what it is exactly
_WORD_BITS = 64


def speed_up_dropout(model: torch.nn.Module) -> int:
    """Let the model's dropout modules draw cheaply where they compute on a CPU; return how many they are.

    They stay what they were elsewhere, and in evaluation: nothing changes in what ``save_pretrained`` writes.
    """
    replaced = 0
    for parent in model.modules():
        for name, module in parent.named_children():
            if type(module) is torch.nn.Dropout and not module.inplace:
                fast = BitDropout(module.p)
                fast.train(module.training)
                setattr(parent, name, fast)
                replaced += 1
    return replaced


class BitDropout(torch.nn.Dropout):  # type: ignore[misc]  # torch has no types here
    """``torch.nn.Dropout``, cheap on a CPU: the same kind of noise, from other random numbers."""

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        """Return the values, of any shape, some of them 0 and the others scaled up; in evaluation as they are."""
        return drop(input, self.p) if self.training else input


def drop(values: torch.Tensor, share: float) -> torch.Tensor:
    """Return the values, of any shape, a random ``share`` (0 to 1) of them 0, the others scaled so that the mean stays.

    The randomness is that of torch's global generator of the device.
    """
    kept = round((1.0 - share) * 2**_BITS)
    if values.device.type != "cpu" or not 0 < kept < 2**_BITS:
        return torch.nn.functional.dropout(values, share)
    result: torch.Tensor = _Drop.apply(values, kept)
    return result


class _Drop(torch.autograd.Function):  # type: ignore[misc]  # torch has no types here
    @staticmethod
    def forward(context: Any, values: torch.Tensor, kept: int) -> torch.Tensor:
        """Keep the elements whose random 16 bits, a number from -2**15, are among the lowest ``kept``."""
        words = torch.empty(-(-values.numel() * _BITS // _WORD_BITS), dtype=torch.int64)
        words.random_(-(2**63), None)  # all 64 bits
        bits = words.view(torch.int16)[: values.numel()].view(values.shape)
        # As 1 and 0 of the values' own kind: multiplying by booleans is several times slower.
        mask = torch.empty(values.shape, dtype=values.dtype)
        torch.lt(bits, kept - 2 ** (_BITS - 1), out=mask)
        context.save_for_backward(mask)
        context.scale = 2**_BITS / kept
        return (values * context.scale).mul_(mask)

    @staticmethod
    @torch.autograd.function.once_differentiable  # type: ignore[untyped-decorator]
    def backward(context: Any, gradient: torch.Tensor) -> tuple[torch.Tensor, None]:
        """Give the gradient to what was kept."""
        (mask,) = context.saved_tensors
        return (gradient * context.scale).mul_(mask), None
