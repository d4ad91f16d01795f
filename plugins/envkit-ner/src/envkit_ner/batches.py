"""Pad examples into the tensors of one call of the model."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from envkit_ner.examples import NOT_LABELLED

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from envkit_ner.examples import Example, Part


@dataclass(frozen=True)
class Batch:
    """Examples padded to the longest of them: tensors [examples, pieces] of int64.

    ``inputs`` is what the model is called with; ``labels`` is NOT_LABELLED everywhere but at the ``items``
    first pieces of labelled words, whose order is that of ``parts``; ``tokens`` counts real pieces.
    """

    inputs: dict[str, torch.Tensor]
    labels: torch.Tensor
    parts: tuple[Part, ...]
    items: int
    tokens: int


def make_batch(examples: Sequence[Example], *, pad: int, device: torch.device) -> Batch:
    """Pad these examples on the right, with the piece ``pad``."""
    # All rows at once: a tensor a row costs ten times as much.
    lengths = np.array([example.length for example in examples])
    width = int(lengths.max())
    is_real = np.arange(width) < lengths[:, None]
    pieces = np.full(is_real.shape, pad, dtype=np.int64)
    pieces[is_real] = _joined(example.pieces for example in examples)
    labels = np.full(is_real.shape, NOT_LABELLED, dtype=np.int64)
    rows = np.repeat(np.arange(len(examples)), [example.items for example in examples])
    labels[rows, _joined(example.places for example in examples)] = _joined(
        example.labels for example in examples
    )
    made = [torch.from_numpy(array).to(device) for array in (pieces, is_real.astype(np.int64), labels)]
    return Batch(
        inputs={"input_ids": made[0], "attention_mask": made[1]},
        labels=made[2],
        parts=tuple(part for example in examples for part in example.parts),
        items=len(rows),
        tokens=int(lengths.sum()),
    )


def _joined(rows: Iterable[Sequence[int]]) -> Any:
    """Return the numbers of all rows as one array of int64."""
    return np.fromiter(chain.from_iterable(rows), dtype=np.int64)
