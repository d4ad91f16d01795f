"""Leave out what a classifier computes for nothing: the last layer's other positions, where its head reads one."""

from __future__ import annotations

import contextlib
from functools import partial
from typing import TYPE_CHECKING, Any

from transformers import AttentionInterface

from envkit.finetune.attention import NAME as SHORT_ROWS

if TYPE_CHECKING:
    from collections.abc import Iterator

    import torch

# Of transformers: their layers are built alike, attention first and then all else token by token, and their
# heads read the first position alone. Where a base model has its layers is the same in all of them, too.
CLASSIFIERS = frozenset(
    f"{kind}ForSequenceClassification" for kind in ("Bert", "Camembert", "Electra", "Roberta", "XLMRoberta")
)
# Ways to attend that take one query for many keys, under a mask [rows, 1, queries, keys].
_WAYS = frozenset({"sdpa", SHORT_ROWS})


@contextlib.contextmanager
def first_position_alone(model: torch.nn.Module) -> Iterator[bool]:
    """Within this, compute the model's last layer for the first position alone; tell whether that is done.

    For classifiers of BERT's kind, whose logits then are the same, and so are their gradients: every weight
    is used by its own module, hooks and adapters included. Of the last layer, keys and values alone are
    needed of the other positions; in a model of 6 layers that saves a seventh of all products. What else the
    model returns (hidden states, attentions) has one position too, so take its logits and nothing more.
    Other models compute as ever. Nothing of it stays in the model.
    """
    layer = _last_layer(model)
    if layer is None:
        yield False
        return
    attention, after = layer.attention.self, layer.attention.output
    attention.forward = partial(_attend_from_first, attention)
    hook = after.register_forward_pre_hook(_cut_residual)
    try:
        yield True
    finally:
        hook.remove()
        del attention.forward


def _last_layer(model: Any) -> Any:
    """Return the last layer of a model that this is made for and that computes as it usually does, else None."""
    kind = type(model)
    if kind.__name__ not in CLASSIFIERS or not kind.__module__.startswith("transformers."):
        return None
    config, layer = model.config, model.base_model.encoder.layer[-1]
    is_usual = (
        config._attn_implementation in _WAYS
        and not (layer.is_decoder or layer.add_cross_attention)
        and layer.chunk_size_feed_forward == 0
        and not layer.gradient_checkpointing  # it computes forward once more, when this is over
    )
    return layer if is_usual else None


def _attend_from_first(
    attention: Any,
    hidden_states: torch.Tensor,
    attention_mask: torch.Tensor | None = None,
    **options: Any,
) -> tuple[torch.Tensor, torch.Tensor | None]:
    """Return what the first position attends to [rows, 1, size], as the stock module does for all positions."""
    query, key, value = (
        project(states).unflatten(-1, (-1, attention.attention_head_size)).transpose(1, 2)
        for project, states in (
            (attention.query, hidden_states[:, :1]),
            (attention.key, hidden_states),
            (attention.value, hidden_states),
        )
    )
    options.pop("past_key_values", None)  # a cache, of which an encoder has none
    attended, weights = AttentionInterface()[attention.config._attn_implementation](
        attention,
        query,
        key,
        value,
        None if attention_mask is None else attention_mask[:, :, :1],
        dropout=attention.dropout.p if attention.training else 0.0,
        scaling=attention.scaling,
        **options,
    )
    return attended.flatten(2), weights


def _cut_residual(_: Any, arguments: tuple[torch.Tensor, torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor]:
    """Give the attention's output layer of its second input, all positions, what belongs to the first."""
    attended, all_states = arguments
    return attended, all_states[:, :1]
