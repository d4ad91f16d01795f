"""Leave a part of a model as it is, and say how much of it is trained."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from envkit.api import UsageError
from envkit.finetune.structure import Structure, read_structure

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel


@dataclass(frozen=True, kw_only=True)
class Trained:
    """How many numbers of a model are trained, and how many it has."""

    trained: int
    total: int

    @property
    def share(self) -> float:
        """Return the trained share, as a fraction of 1."""
        return self.trained / self.total if self.total else 0.0

    def __str__(self) -> str:
        return f"{self.trained:,} of {self.total:,} weights ({self.share:.1%})"


def count_trained(model: torch.nn.Module) -> Trained:
    """Count the numbers in the model's weights, those shared by two modules once."""
    weights = list(model.parameters())
    return Trained(
        trained=sum(weight.numel() for weight in weights if weight.requires_grad),
        total=sum(weight.numel() for weight in weights),
    )


def freeze(model: PreTrainedModel, what: str) -> Trained:
    """Stop the training of a part of the model, in place, and return what is still trained.

    ``what`` is ``none``, ``embeddings``, ``all-but-head``, or a number N: the embeddings and the first N
    layers. A frozen weight has ``requires_grad`` False. Raises: UsageError where there are fewer layers
    than N, or nothing would be trained.
    """
    if what != "none":
        structure = read_structure(model)
        deepest = _count_layers(model, structure, what)
        for name, weight in model.named_parameters():
            if not structure.is_head(name) and structure.depth(name) <= deepest:
                weight.requires_grad_(False)
    trained = count_trained(model)
    if not trained.trained:
        raise UsageError(
            f"--freeze {what} leaves nothing of {type(model).__name__} to train", hint="Give --freeze none"
        )
    return trained


def _count_layers(model: PreTrainedModel, structure: Structure, what: str) -> int:
    """Return the depth down from which weights are frozen."""
    there = len(structure.layers)
    if what == "embeddings":
        return 0
    if what == "all-but-head":
        return there + 1
    if not what.isdecimal():
        raise UsageError(
            f"--freeze is {what!r}, expected none, embeddings, all-but-head or a number of layers",
            hint=f"Give --freeze a number up to {there}",
        )
    if int(what) > there:
        raise UsageError(
            f"--freeze is {what}, but {type(model).__name__} has {there} layers",
            hint=f"Give --freeze a number up to {there}, or all-but-head",
        )
    return int(what)
