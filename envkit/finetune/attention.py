"""Attention for short rows on a CPU, where torch's own spends its time on random numbers and on small blocks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.masking_utils import sdpa_mask

from envkit.finetune.dropout import drop

if TYPE_CHECKING:
    from transformers import PreTrainedModel

NAME = "envkit_short_rows"
_STOCK = "sdpa"
# Longer rows, where nothing is dropped, are faster in torch's blocks than with all scores at once; its blocks
# are slow in bfloat16, and several times slower backward.
_LONGEST = {torch.bfloat16: 512}
_USUALLY_LONGEST = 64


def speed_up_attention(model: PreTrainedModel) -> bool:
    """Let a model on a CPU that attends through transformers' interface use ``attend``; tell whether it does.

    A model that attends in a way of its own, or was told to attend otherwise than by default, is left as
    it is. What ``save_pretrained`` writes does not know of it.
    """
    fits = (
        model.device.type == "cpu"
        and getattr(model, "_supports_attention_backend", False)
        and model.config._attn_implementation == _STOCK
    )
    if fits:
        AttentionInterface.register(NAME, attend)
        AttentionMaskInterface.register(NAME, sdpa_mask)
        model.set_attn_implementation(NAME)
    return fits


def attend(
    module: torch.nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    dropout: float = 0.0,
    scaling: float | None = None,
    **options: Any,
) -> tuple[torch.Tensor, torch.Tensor | None]:
    """Return [rows, tokens, heads, size] for query, key and value [rows, heads, tokens, size].

    ``attention_mask`` [rows, 1, tokens, tokens] is True where a token is seen, or None where all are. What
    this is not made for (long rows without dropout, causal or grouped attention, biases) goes to torch's.
    """
    if not _is_plain(module, query, key, attention_mask, dropout, options):
        stock = AttentionInterface()[_STOCK]
        found: tuple[torch.Tensor, None] = stock(
            module, query, key, value, attention_mask, dropout=dropout, scaling=scaling, **options
        )
        return found
    scale = query.shape[-1] ** -0.5 if scaling is None else scaling
    scores = torch.matmul(query * scale, key.transpose(2, 3))
    if attention_mask is not None:
        unseen = scores.new_full((), torch.finfo(scores.dtype).min)
        scores = scores + torch.where(attention_mask, scores.new_zeros(()), unseen)
    weights = torch.softmax(scores, dim=-1)
    if dropout > 0.0:
        weights = drop(weights, dropout)
    return torch.matmul(weights, value).transpose(1, 2).contiguous(), weights


def _is_plain(
    module: torch.nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    attention_mask: torch.Tensor | None,
    dropout: float,
    options: dict[str, Any],
) -> bool:
    is_causal = options.get("is_causal")
    if is_causal is None:
        is_causal = getattr(module, "is_causal", True)
    return (
        query.device.type == "cpu"
        and (dropout > 0.0 or query.shape[2] <= _LONGEST.get(query.dtype, _USUALLY_LONGEST))
        and key.shape[1] == query.shape[1]
        and not is_causal
        and (attention_mask is None or attention_mask.dtype == torch.bool)
        and all(options.get(name) is None for name in ("position_bias", "softcap", "cache"))
    )
