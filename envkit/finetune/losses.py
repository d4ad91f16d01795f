"""Losses as sums over labelled items, to be divided once by all the items of a step.

A mean over a micro-batch, averaged again over the micro-batches, weighs an item by how few there are
beside it; a sum does not know what it was computed with.
"""

from __future__ import annotations

import torch
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy

IGNORED = -100  # the label of what is no item: padding, special tokens, later pieces of a word


def token_cross_entropy(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Return the cross entropy summed over the labelled tokens, in float32 or better.

    ``logits`` [rows, tokens, labels]; ``labels`` [rows, tokens], IGNORED where a token is no item.
    """
    return cross_entropy(
        _widen(logits).flatten(0, 1), labels.flatten(), ignore_index=IGNORED, reduction="sum"
    )


def sequence_cross_entropy(
    logits: torch.Tensor,
    labels: torch.Tensor,
    *,
    class_weights: torch.Tensor | None = None,
    label_smoothing: float = 0.0,
    focal_gamma: float = 0.0,
) -> torch.Tensor:
    """Return the cross entropy summed over the labelled rows, in float32 or better.

    ``logits`` [rows, labels]; ``labels`` [rows], IGNORED where a row is no item. ``class_weights``
    [labels] multiply the rows' terms; the sum is still divided by the number of rows, so scale them to
    a mean of 1 over the training rows, or they change the learning rate. ``label_smoothing`` is the share
    of the target that is spread over all labels (Szegedy et al., 2016); ``focal_gamma`` makes a row count
    the less the surer the model is of its label, by the factor (1 - p) ** gamma (Lin et al., 2017).
    """
    wide = _widen(logits)
    terms = cross_entropy(
        wide, labels, ignore_index=IGNORED, label_smoothing=label_smoothing, reduction="none"
    )
    if focal_gamma:
        surprise = cross_entropy(wide, labels, ignore_index=IGNORED, reduction="none")
        terms = terms * _focus(surprise, focal_gamma)
    if class_weights is not None:
        terms = terms * class_weights.to(wide)[labels.clamp(min=0)]
    return terms.sum()


def multi_label_cross_entropy(
    logits: torch.Tensor,
    targets: torch.Tensor,
    *,
    class_weights: torch.Tensor | None = None,
    label_smoothing: float = 0.0,
    focal_gamma: float = 0.0,
) -> torch.Tensor:
    """Return the sum over the rows of the mean over the labels of the binary cross entropy.

    ``logits`` [rows, labels]; ``targets`` [rows, labels], 1 for the labels that a row has and 0 for the
    others. ``class_weights`` [2, labels] multiply the terms of the labels that a row has not, and has. The
    others as in ``sequence_cross_entropy``. In float32 or better.
    """
    wide = _widen(logits)
    hard = targets.to(wide)
    soft = hard * (1 - label_smoothing) + label_smoothing / 2
    terms = binary_cross_entropy_with_logits(wide, soft, reduction="none")
    if focal_gamma:
        surprise = binary_cross_entropy_with_logits(wide, hard, reduction="none")
        terms = terms * _focus(surprise, focal_gamma)
    if class_weights is not None:
        absent, present = class_weights.to(wide)
        terms = terms * torch.where(hard > 0.5, present, absent)
    return terms.mean(-1).sum()


def span_cross_entropy(
    start_logits: torch.Tensor,
    end_logits: torch.Tensor,
    starts: torch.Tensor,
    ends: torch.Tensor,
    *,
    mask: torch.Tensor,
) -> torch.Tensor:
    """Return the mean of both ends' cross entropies summed over the rows with a span, in float32 or better.

    Logits [rows, tokens]; ``starts`` and ``ends`` [rows]; ``mask`` [rows, tokens] is not 0 where an end may
    lie, never in padding: a softmax over padding gives a row other gradients beside longer rows. A row
    whose ends do not both lie there is no item and adds nothing; ``has_span`` says which rows are items.
    """
    inside = has_span(starts, ends, mask=mask)
    return 0.5 * sum(
        cross_entropy(
            _widen(logits).masked_fill(mask == 0, -torch.inf),
            positions.where(inside, IGNORED),
            ignore_index=IGNORED,
            reduction="sum",
        )
        for logits, positions in ((start_logits, starts), (end_logits, ends))
    )


def has_span(starts: torch.Tensor, ends: torch.Tensor, *, mask: torch.Tensor) -> torch.Tensor:
    """Return for each row whether both its ends lie where ``mask`` [rows, tokens] is not 0: the items."""
    inside = torch.ones_like(starts, dtype=torch.bool)
    for positions in (starts, ends):
        is_there = (positions >= 0) & (positions < mask.shape[-1])
        at = positions.where(is_there, 0).unsqueeze(-1)
        inside &= is_there & (mask.gather(-1, at).squeeze(-1) != 0)
    return inside


def _focus(surprise: torch.Tensor, gamma: float) -> torch.Tensor:
    """Return (1 - p) ** gamma for -log p; where p is 1 its slope, which may be infinite, counts as 0."""
    least = torch.finfo(surprise.dtype).tiny
    doubt: torch.Tensor = (-torch.expm1(-surprise)).clamp(min=least) ** gamma
    return doubt


def _widen(logits: torch.Tensor) -> torch.Tensor:
    """Return the logits in float32, or as they are where they are finer."""
    return logits.to(torch.promote_types(logits.dtype, torch.float32))
