"""Train those rows alone of a model's word embeddings that the training data uses: the others get no gradient."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from collections.abc import Iterable

    from transformers import PreTrainedModel

# Of the rows; if more are used, leaving the rest out saves nothing.
_LARGEST_SHARE = 0.8


class NarrowEmbedding:
    """The rows of an embedding that training moves; the model goes on computing with the whole of it.

    ``name`` is the weight's in the model, ``rows`` are the numbers of the rows, int64 [rows]. The weight's gradient is sparse: it is never spread over all rows.
    """

    def __init__(self, name: str, module: torch.nn.Embedding, rows: torch.Tensor) -> None:
        self.name = name
        self._module = module
        self._rows = rows
        self._places = torch.full((module.num_embeddings,), -1, device=rows.device)
        self._places[rows] = torch.arange(len(rows), device=rows.device)
        module.sparse = True

    def take_rows(self) -> torch.Tensor:
        """Return a copy of the rows in float32: [rows, size]."""
        return self._module.weight.detach()[self._rows].float()

    def take_gradient(self) -> torch.Tensor | None:
        """Return the rows' gradient in float32, [rows, size], and leave the weight without one.

        Raises: RuntimeError where a batch held a piece that is in none of the rows.
        """
        gradient, self._module.weight.grad = self._module.weight.grad, None
        if gradient is None:
            return None
        if not gradient.is_sparse:  # the model uses the weight in another way as well
            return gradient[self._rows].float()
        pieces = gradient._indices()[0]
        places = self._places[pieces]
        values = gradient._values().float()
        is_known = places >= 0
        if not bool(is_known.all()):
            if bool(values[~is_known].any()):
                unknown = int(pieces[~is_known][0])
                raise RuntimeError(
                    f"a batch holds the piece {unknown}, which none of the training rows is said to hold"
                )
            places, values = places[is_known], values[is_known]  # padding, which nothing is learned of
        # Summed in float32, in an order that does not vary: so it is not left to the sparse tensor.
        dense: torch.Tensor = torch.ops.aten.embedding_dense_backward(
            values, places, len(self._rows), -1, False
        )
        return dense

    @property
    def rows(self) -> torch.Tensor:
        """Return the numbers of the rows, in order: int64 [rows]."""
        return self._rows

    def align(self, saved: torch.Tensor, rows: torch.Tensor, *, others: torch.Tensor) -> torch.Tensor:
        """Return values a row, [rows, …] as ``others``, in the order of these rows.

        ``saved`` [others' rows, …] are those of the rows numbered ``rows``, int64; where there are none, ``others`` stay.
        """
        aligned = others.clone()
        places = self._places[rows.to(self._places.device)].to(rows.device)
        is_here = places >= 0
        aligned[places[is_here]] = saved[is_here].to(aligned.dtype)
        return aligned

    def put_rows(self, rows: torch.Tensor) -> None:
        """Give the model these rows, [rows, size], rounded to its own numbers."""
        weight = self._module.weight
        with torch.no_grad():
            weight.index_copy_(0, self._rows, rows.to(weight.dtype))

    def widen(self) -> None:
        """Let the gradient be a whole matrix again."""
        self._module.sparse = False


def narrow_embedding(model: PreTrainedModel, pieces: Iterable[int]) -> NarrowEmbedding | None:
    """Return the rows of the model's word embedding for these pieces, or None where that saves nothing.

    ``pieces`` are all that a batch may hold, each any number of times. With AdamW this is exactly what
    training the whole matrix does, but that rows without a gradient do not decay either. None also where
    the weight is frozen, shared with another module, or that of a module that is not torch's plain one.
    """
    module = model.get_input_embeddings()
    if type(module) is not torch.nn.Embedding or not module.weight.requires_grad:
        return None
    if module.max_norm is not None or module.scale_grad_by_freq:
        return None
    names = [
        name for name, weight in model.named_parameters(remove_duplicate=False) if weight is module.weight
    ]
    padding = {module.padding_idx, getattr(model.config, "pad_token_id", None)} - {None}
    rows = sorted({*pieces, *padding})
    if len(names) != 1 or len(rows) > _LARGEST_SHARE * module.num_embeddings:
        return None
    return NarrowEmbedding(names[0], module, torch.tensor(rows, device=module.weight.device))
