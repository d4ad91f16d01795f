"""Make what moves the weights: groups of weights, optimizers, learning rates and clipping."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch.nn.utils import clip_grads_with_norm_, get_total_norm

from envkit.finetune.structure import read_structure

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from transformers import PreTrainedModel

MOMENTUM = 0.9  # of SGD
# Where torch has kernels that update all weights in one pass.
_FUSED_DEVICES = frozenset({"cpu", "cuda", "mps", "xpu"})


@dataclass(frozen=True, kw_only=True)
class WeightGroup:
    """Weights, by their names in the model, that decay and learn alike; ``learning_rate`` is the highest."""

    names: tuple[str, ...]
    weight_decay: float
    learning_rate: float


def parameter_groups(
    model: PreTrainedModel, *, learning_rate: float, weight_decay: float = 0.0, layer_decay: float = 1.0
) -> list[WeightGroup]:
    """Group the trained weights by how they decay and learn, lowest first.

    Matrices decay; biases and the scales of norms do not. With ``layer_decay`` d, layer i of n (from 0)
    learns at ``learning_rate`` x d**(n - i), the embeddings at x d**(n + 1), and what is above the layers,
    the head first of all, at the full rate. Raises: UsageError where the model has no layers to decay over.
    Source: Clark et al., ELECTRA, 2020, appendix B, with the counting of Bao et al., BEiT, 2021, whose
    head alone has the full rate.
    """
    structure = read_structure(model) if layer_decay != 1.0 else None
    found: dict[tuple[int, bool], list[str]] = defaultdict(list)
    for name, weight in model.named_parameters():
        if weight.requires_grad:
            depth = structure.depth(name) if structure else 0
            found[depth, _is_matrix(weight)].append(name)
    top = len(structure.layers) + 1 if structure else 0
    return [
        WeightGroup(
            names=tuple(found[depth, decays]),
            weight_decay=weight_decay if decays else 0.0,
            learning_rate=learning_rate * layer_decay ** (top - depth),
        )
        for depth, decays in sorted(found)
    ]


def _is_matrix(weight: torch.Tensor) -> bool:
    # A scale of an adapter is stored as a matrix of one row.
    return bool(sum(size > 1 for size in weight.shape) > 1)


def make_optimizer(
    kind: str, groups: Sequence[WeightGroup], weights: Mapping[str, torch.Tensor]
) -> torch.optim.Optimizer:
    """Return the optimizer ``adamw``, ``sgd`` (momentum 0.9) or ``adafactor`` for these groups.

    ``weights`` gives the tensor to move by name: the model's own, or its float32 master where the
    model computes in less. The names are kept in each of ``param_groups`` as ``param_names``.

    Adafactor is transformers': told to, it takes the learning rate as it is given, so a rate means about
    the same as with AdamW; torch's multiplies it by the size of each weight and bounds it by 1/sqrt(step),
    which makes of 2e-4 some 1e-5.

    Raises: ValueError for another ``kind``.
    """
    named: list[dict[str, Any]] = [
        {
            "params": [(name, weights[name]) for name in group.names],
            "weight_decay": group.weight_decay,
            "lr": group.learning_rate,
            "initial_lr": group.learning_rate,
        }
        for group in groups
    ]
    is_fused = {weight.device.type for weight in weights.values()} <= _FUSED_DEVICES
    match kind:
        case "adamw":
            return torch.optim.AdamW(named, fused=is_fused)
        case "sgd":
            return torch.optim.SGD(named, momentum=MOMENTUM, fused=is_fused)
        case "adafactor":
            from transformers.optimization import Adafactor

            return Adafactor(named, scale_parameter=False, relative_step=False, warmup_init=False)
    raise ValueError(f"there is no optimizer {kind!r}")


def schedule_factor(step: int, *, total: int, warmup: float, kind: str) -> float:
    """Return the share of the highest learning rate at which a step learns; ``step`` counts those before it.

    It rises over the first ``warmup`` share of ``total`` steps, is 1 after them, and then falls in a line
    (``linear``) or half a cosine (``cosine``) to reach 0 after the last step, or stays (``constant``).
    Never 0 for a step that is taken, so that none is without effect. Raises: ValueError for another ``kind``.
    """
    rising = round(total * warmup)
    if step < rising:
        return (step + 1) / (rising + 1)
    if kind == "constant":
        return 1.0
    done = (step - rising) / max(1, total - rising)
    if done >= 1.0:
        return 0.0
    match kind:
        case "linear":
            return 1.0 - done
        case "cosine":
            return (1.0 + math.cos(math.pi * done)) / 2
    raise ValueError(f"there is no schedule {kind!r}")


def set_learning_rate(optimizer: torch.optim.Optimizer, factor: float) -> float:
    """Set each group to this share of its highest learning rate, and return the largest rate set."""
    for group in optimizer.param_groups:
        group["lr"] = group["initial_lr"] * factor
    return float(max(group["lr"] for group in optimizer.param_groups))


def clip(weights: Iterable[torch.Tensor], largest_norm: float) -> float:
    """Scale the gradients, in place, so that their norm together is at most this, and return what it was.

    The weights are of any shape; 0 clips nothing. A norm that is no finite number is returned and the gradients are left as they are:
    scaling would spread it to all of them.
    """
    with_gradient = [weight for weight in weights if weight.grad is not None]
    norm = get_total_norm([weight.grad for weight in with_gradient if weight.grad is not None])
    value = float(norm)
    if 0 < largest_norm < value < math.inf:
        clip_grads_with_norm_(with_gradient, largest_norm, norm)
    return value
