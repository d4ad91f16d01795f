"""Give a model tokens of its own: marks that a plugin puts into texts, each of them one piece."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from transformers import AddedToken

if TYPE_CHECKING:
    from collections.abc import Sequence

    from transformers import PreTrainedModel, PreTrainedTokenizerBase


def add_tokens(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, tokens: Sequence[str]
) -> tuple[int, ...]:
    """Let model and tokenizer, in place, read each of these tokens as one piece; return the pieces' numbers.

    A blank before a token is a part of it. What the model knows already stays as it is. The embeddings begin as
    described at ``fit_embedding`` and are trained like all others; they are saved with the model, or, where an
    adapter alone is saved, made anew by ``load_saved_model`` from the tokenizer beside it.
    """
    # Special ones are looked for before a text is put into small letters or cut.
    tokenizer.add_tokens(
        [AddedToken(token, lstrip=True, special=True) for token in tokens], special_tokens=True
    )
    fit_embedding(model, tokenizer)
    return tuple(tokenizer.convert_tokens_to_ids(list(tokens)))


def fit_embedding(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> None:
    """Add a row to the model's word embedding for each piece of the tokenizer that has none, in place.

    A new row [size] is drawn from the normal distribution that the model's own rows have in each number: by how
    many rows there were and by nothing else, so that the same model and tokenizer give the same rows.
    """
    there = len(model.get_input_embeddings().weight)
    if len(tokenizer) <= there:
        return
    model.resize_token_embeddings(len(tokenizer), mean_resizing=False)
    with torch.no_grad():
        weight = model.get_input_embeddings().weight
        own = weight[:there].float()
        generator = torch.Generator().manual_seed(there)  # of the CPU: the same on every device
        drawn = torch.randn(len(weight) - there, weight.shape[1], generator=generator).to(own)
        weight[there:] = (own.mean(0) + own.std(0) * drawn).to(weight.dtype)
