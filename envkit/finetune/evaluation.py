"""Run a model over rows that are scored, not trained on."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, TypeVar

import torch

from envkit.finetune.batching import by_length

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from envkit.finetune.rows import Row

RowT = TypeVar("RowT", bound="Row")
BatchT = TypeVar("BatchT")
FoundT = TypeVar("FoundT")

# A batch, padding included. More leaves the caches of a CPU (4096: a quarter slower), and fills a GPU.
EVALUATION_TOKENS = {"cpu": 1024, "cuda": 32768}
USUAL_TOKENS = 8192
# Seconds between two words about how far it is: a host that hears nothing for a minute says so to its user.
_TOLD_EVERY = 20.0


def predict(
    model: torch.nn.Module,
    rows: Sequence[RowT],
    *,
    collate: Callable[[Sequence[RowT]], BatchT],
    reduce: Callable[[BatchT], FoundT],
    tokens: int | None = None,
    tell: Callable[[str], None] | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> Iterator[tuple[list[RowT], FoundT]]:
    """Yield the rows, longest first, in batches of at most ``tokens`` pieces, with what ``reduce`` makes of each.

    ``reduce`` gets a batch and runs the model, which is in evaluation mode, without gradients; it should
    return no more than is needed (label numbers, not logits), for what it returns is all that stays of
    the batch: memory does not grow with the rows. Afterwards the model is in the mode it was in. ``tell``, such as a
    reporter's ``say``, is told every 20 s how many rows are done; ``clock`` gives seconds.
    """
    limit = tokens or most_tokens(_device_of(model))
    was_training = model.training
    told, done = clock(), 0
    model.eval()
    try:
        for numbers in by_length([len(row.pieces) for row in rows], tokens=limit):
            part = [rows[number] for number in numbers]
            with torch.inference_mode():
                found = reduce(collate(part))
            yield part, found
            done += len(part)
            if tell is not None and clock() - told >= _TOLD_EVERY:
                told = clock()
                tell(f"evaluated {done} of {len(rows)} windows")
    finally:
        model.train(was_training)


def most_tokens(device: torch.device) -> int:
    """Return how many tokens, padding included, are best computed at once where nothing is learned."""
    return EVALUATION_TOKENS.get(device.type, USUAL_TOKENS)


def _device_of(model: torch.nn.Module) -> torch.device:
    weights: Any = model.parameters()
    return next(weights).device
