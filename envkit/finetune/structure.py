"""Find embeddings, layers and head of a model by how it is built, never by its name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from envkit.api import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from transformers import PreTrainedModel


@dataclass(frozen=True, kw_only=True)
class Structure:
    """Where a model has what: the names of the weights below its layers, and those of layers and head.

    ``embeddings`` are weights; ``layers`` (lowest first) and ``head`` are modules. What is in none of them,
    such as the last norm or what all layers share, belongs to the base and stands above the layers.
    """

    embeddings: frozenset[str]
    layers: tuple[str, ...]
    head: tuple[str, ...]

    def depth(self, weight: str) -> int:
        """Return 0 for the embeddings, i for layer i (from 1), and one more than there are layers for the rest."""
        if weight in self.embeddings:
            return 0
        for number, layer in enumerate(self.layers, start=1):
            if weight.startswith(f"{layer}."):
                return number
        return len(self.layers) + 1

    def is_head(self, weight: str) -> bool:
        """Return whether the weight, or module, of this name belongs to the head."""
        return any(weight == module or weight.startswith(f"{module}.") for module in self.head)


def read_structure(model: PreTrainedModel) -> Structure:
    """Return where the model has embeddings, layers and head. Raises: UsageError where it has no layers.

    The head is what is outside of the base model, and the base's pooler: a checkpoint of a language
    model has none, so it begins at random as the head does.
    """
    base = model.base_model
    prefix = _name_of(base, model)
    layers = tuple(f"{prefix}{name}" for name in _find_layers(base))
    if not layers:
        raise UsageError(
            f"{type(model).__name__} has no list of layers to tell apart",
            hint="Leave --freeze, --layer-decay and --peft out, or give --model another model",
        )
    head = [] if base is model else [name for name in _with_weights(model) if f"{name}." != prefix]
    head += [f"{prefix}{name}" for name in _with_weights(base) if name == "pooler"]
    return Structure(
        embeddings=frozenset(_below(model, base, prefix=prefix, first=layers[0])),
        layers=layers,
        head=tuple(head),
    )


def _with_weights(module: torch.nn.Module) -> list[str]:
    return [name for name, child in module.named_children() if any(True for _ in child.parameters())]


def _name_of(base: torch.nn.Module, model: PreTrainedModel) -> str:
    """Return what the names of the base's weights begin with, the dot included."""
    name = next(name for name, module in model.named_modules() if module is base)
    return f"{name}." if name else ""


def _find_layers(base: torch.nn.Module) -> list[str]:
    """Return the names of the layers: the longest list of modules of one kind that is in no other list."""
    lists: dict[str, torch.nn.ModuleList] = {}
    for name, module in base.named_modules():
        is_inside = any(name.startswith(f"{outer}.") for outer in lists)  # experts of a layer, say
        if isinstance(module, torch.nn.ModuleList) and len({type(m) for m in module}) == 1 and not is_inside:
            lists[name] = module
    longest = max(lists, key=lambda name: len(lists[name]), default="")
    return [f"{longest}.{number}" for number in range(len(lists[longest]))] if lists else []


def _below(model: PreTrainedModel, base: torch.nn.Module, *, prefix: str, first: str) -> Iterator[str]:
    """Yield the weights that come before the first layer, or stand with the embeddings of the input."""
    embeddings = model.get_input_embeddings()
    beside = ""
    for name, child in base.named_children():
        if any(module is embeddings for module in child.modules()) and not first.startswith(
            f"{prefix}{name}."
        ):
            beside = f"{prefix}{name}."
    is_before = True
    for name, _ in model.named_parameters():
        is_before = is_before and not name.startswith(f"{first}.")
        if name.startswith(prefix) and (is_before or (beside and name.startswith(beside))):
            yield name
