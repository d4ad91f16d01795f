"""What a loop has seeded torch with, seen at its first step."""

from __future__ import annotations

import sys

from envkit.testing.heard import Heard

# A seed that no loop takes by chance: where it is still there, the loop draws from generators of its own.
_NOBODYS = 0x5EED_0F_A_7357


class SeedHeard(Heard):
    """A reporter that also keeps the seed of torch's own generator, None where the loop has set none."""

    torch_seed: int | None = None

    def step(self, step: int, *, loss: float, tokens: int, learning_rate: float | None = None) -> None:
        """Keep the step, and at the first one the seed."""
        torch = sys.modules.get("torch")
        if not self.steps and torch is not None and torch.initial_seed() != _NOBODYS:
            self.torch_seed = torch.initial_seed()
        super().step(step, loss=loss, tokens=tokens, learning_rate=learning_rate)


def forget_torch_seed() -> None:
    """Take away the seed that an earlier run has set, where there is torch."""
    try:
        import torch
    except ImportError:
        return
    torch.manual_seed(_NOBODYS)
