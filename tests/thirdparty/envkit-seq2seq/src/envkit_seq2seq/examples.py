"""Texts and their targets as the loop works on them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from envkit.finetune.losses import IGNORED

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True)
class Example:
    """A text as the model reads it, and what it is to write: ``target`` has its end, and is empty where unknown.

    ``row`` is its number among the rows it was made from.
    """

    name: str
    row: int
    source: tuple[int, ...]
    target: tuple[int, ...]

    @property
    def pieces(self) -> tuple[int, ...]:
        """Return all that the model computes on."""
        return self.source + self.target

    @property
    def items(self) -> int:
        """Return how many pieces are to be written: each is an item of the loss."""
        return len(self.target)


@dataclass(frozen=True)
class Batch:
    """Examples as tensors: ``source`` what the encoder is called with, each [examples, pieces].

    ``given`` [examples, written pieces] is what the decoder is told to have written before each piece, ``target``
    what it is to write there, IGNORED in padding.
    """

    source: dict[str, torch.Tensor]
    given: torch.Tensor
    target: torch.Tensor


def make_batch(examples: Sequence[Example], *, pad: int, begin: int, device: torch.device) -> Batch:
    """Pad these examples on the right; the decoder's first piece is ``begin``."""
    read = _fill([example.source for example in examples], pad)
    mask = _fill([(1,) * len(example.source) for example in examples], 0)
    given = _fill([(begin, *example.target[:-1]) for example in examples], pad)
    target = _fill([example.target for example in examples], IGNORED)
    return Batch(
        source={"input_ids": read.to(device), "attention_mask": mask.to(device)},
        given=given.to(device),
        target=target.to(device),
    )


def _fill(rows: Sequence[tuple[int, ...]], blank: int) -> torch.Tensor:
    longest = max(map(len, rows))
    return torch.tensor([[*row, *[blank] * (longest - len(row))] for row in rows])
