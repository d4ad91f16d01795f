"""Put examples together into the tensors of one call of the model."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING

import numpy as np
import torch

if TYPE_CHECKING:
    from collections.abc import Sequence

    from envkit_qa.examples import Example


@dataclass(frozen=True)
class Batch:
    """Examples padded to the longest of them: tensors [examples, pieces] of int64.

    ``inputs`` is what the model is called with. ``mask`` is 1 where an end of a span may lie: in the context,
    and in the first piece, which is the place of no answer. ``starts`` and ``ends`` [examples] are those of the spans.
    """

    examples: tuple[Example, ...]
    inputs: dict[str, torch.Tensor]
    mask: torch.Tensor
    starts: torch.Tensor
    ends: torch.Tensor


def make_batch(examples: Sequence[Example], *, pad: int, device: torch.device) -> Batch:
    """Pad these examples on the right, with the piece ``pad``."""
    encoded = [example.encode() for example in examples]
    # All rows at once: a tensor a row costs ten times as much.
    lengths = np.array([len(one.pieces) for one in encoded])
    places = np.arange(int(lengths.max()))
    is_real = places < lengths[:, None]
    arrays = {"input_ids": np.full(is_real.shape, pad, dtype=np.int64)}
    arrays["input_ids"][is_real] = np.fromiter(
        chain.from_iterable(one.pieces for one in encoded), dtype=np.int64
    )
    arrays["attention_mask"] = is_real.astype(np.int64)
    if examples[0].template.has_types:
        arrays["token_type_ids"] = np.zeros(is_real.shape, dtype=np.int64)
        arrays["token_type_ids"][is_real] = np.fromiter(
            chain.from_iterable(one.types or () for one in encoded), dtype=np.int64
        )
    firsts = np.array([example.context_start for example in examples])[:, None]
    sizes = np.array([len(example.window) for example in examples])[:, None]
    mask = ((places >= firsts) & (places < firsts + sizes)) | (places == 0)
    spans = np.array([example.span for example in examples], dtype=np.int64)
    return Batch(
        examples=tuple(examples),
        inputs={name: torch.from_numpy(array).to(device) for name, array in arrays.items()},
        mask=torch.from_numpy(mask.astype(np.int64)).to(device),
        starts=torch.from_numpy(spans[:, 0].copy()).to(device),
        ends=torch.from_numpy(spans[:, 1].copy()).to(device),
    )
