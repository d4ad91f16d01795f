"""The loss for ratings: a prediction costs the more the further it is from the right step."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import torch

from envkit.finetune.losses import sequence_cross_entropy

if TYPE_CHECKING:
    from collections.abc import Sequence

DISTANCE_WEIGHT = 1.0  # of the distance beside the cross entropy


def ordinal_cross_entropy(
    logits: torch.Tensor,
    labels: torch.Tensor,
    *,
    values: Sequence[float],
    class_weights: torch.Tensor | None = None,
) -> torch.Tensor:
    """Return cross entropy plus the squared earth mover's distance, summed over the rows, in float32.

    ``logits`` [rows, labels]; ``labels`` [rows], numbers of labels; ``values`` what each label is worth, in
    any order; ``class_weights`` [labels] multiply the rows' terms. The distance is the squared difference
    between the predicted and the true share of all that is at most a step, summed over the steps, each as
    wide as its two values are apart, in the mean step of the scale. Softmax and head stay the usual ones.
    Source: Hou, Yu and Samaras, Squared Earth Mover's Distance-based Loss for Training Deep Neural
    Networks, 2016, for classes in an order; added to the cross entropy, whose
    gradient does not vanish where a prediction is sure and wrong.
    """
    entropy = sequence_cross_entropy(logits, labels, class_weights=class_weights)
    distances = squared_distance(logits, labels, values=values)
    if class_weights is not None:
        distances = distances * class_weights.to(distances)[labels]
    return entropy + DISTANCE_WEIGHT * distances.sum()


def squared_distance(logits: torch.Tensor, labels: torch.Tensor, *, values: Sequence[float]) -> torch.Tensor:
    """Return the squared earth mover's distance of each row, [rows], from its label; 0 where it is sure and right."""
    order = sorted(range(len(values)), key=values.__getitem__)
    rising = [values[number] for number in order]
    gaps = [high - low for low, high in pairwise(rising)]
    mean_gap = sum(gaps) / len(gaps)
    wide = logits.to(torch.promote_types(logits.dtype, torch.float32))
    widths = wide.new_tensor([gap / mean_gap for gap in gaps])
    expected = torch.softmax(wide, dim=-1)[:, order].cumsum(-1)[:, :-1]
    steps = torch.tensor(rising[:-1], dtype=torch.float64, device=labels.device)
    true = torch.tensor(values, dtype=torch.float64, device=labels.device)[labels].unsqueeze(-1)
    reached = (true <= steps).to(expected.dtype)
    return ((expected - reached).square() * widths).sum(-1)
