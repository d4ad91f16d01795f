"""What the training lowers: a cross entropy over the labels, as the options bend it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from envkit.finetune.class_weights import balanced_weights
from envkit.finetune.losses import multi_label_cross_entropy, sequence_cross_entropy
from envkit.finetune.text_examples import pooled_logits

if TYPE_CHECKING:
    from collections.abc import Sequence

    from envkit.finetune.text_examples import TextBatch
    from envkit_classification.plugin import ClassificationOptions
    from envkit_classification.read import ClassificationData


@dataclass(frozen=True)
class Objective:
    """The loss of a run. ``class_weights`` are [labels], or [2, labels] for not having a label and having it."""

    is_multi_label: bool
    class_weights: torch.Tensor | None
    label_smoothing: float
    focal_gamma: float

    @classmethod
    def of(cls, options: ClassificationOptions, data: ClassificationData, labels: Sequence[str]) -> Objective:
        """Return the loss that the options name; ``labels`` are in the model's order."""
        return cls(
            is_multi_label=data.is_multi_label,
            class_weights=_weights(data, labels) if options.class_weights == "balanced" else None,
            label_smoothing=options.label_smoothing,
            focal_gamma=options.focal_gamma,
        )

    def summed_loss(self, model: torch.nn.Module, batch: TextBatch) -> torch.Tensor:
        """Return the loss summed over the batch's texts."""
        cross_entropy = multi_label_cross_entropy if self.is_multi_label else sequence_cross_entropy
        return cross_entropy(
            pooled_logits(model, batch),
            batch.labels,
            class_weights=self.class_weights,
            label_smoothing=self.label_smoothing,
            focal_gamma=self.focal_gamma,
        )


def _weights(data: ClassificationData, labels: Sequence[str]) -> torch.Tensor:
    counts = [sum(label in row.labels for row in data.train) for label in labels]
    if not data.is_multi_label:
        return torch.tensor(balanced_weights(counts))
    # Each label is a question of its own, with two classes.
    return torch.tensor([balanced_weights([len(data.train) - count, count]) for count in counts]).T
