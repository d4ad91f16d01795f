"""Train a small adapter and the head in place of the model, through the library peft."""

from __future__ import annotations

import contextlib
import copy
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from envkit.api import EnvError, RunFailed, UsageError
from envkit.finetune.structure import Structure, read_structure

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from transformers import PreTrainedModel

NAME = "default"  # what peft calls the one adapter of a model
# Scale of LoRA's update over its rank; with it, one learning rate serves every rank about equally.
ALPHA_PER_RANK = 2
BASE_CONFIG = (
    "base_config.json"  # the model's configuration, with the labels that an adapter has no place for
)


@dataclass(frozen=True)
class Adapters:
    """A model with adapters in its layers, and the handle by which peft knows them.

    ``model`` is the very model that was given, changed in place: train it, score it and checkpoint it as
    any other. Its frozen weights have ``requires_grad`` False.
    """

    model: PreTrainedModel
    wrapped: Any
    kind: str

    @property
    def config(self) -> Any:
        """Return peft's configuration of the adapter."""
        return self.wrapped.peft_config[NAME]


def add_adapters(
    model: PreTrainedModel, kind: str, *, base: str, rank: int, total_steps: int, seed: int
) -> Adapters:
    """Put adapters (``lora``, ``adalora``, ``ia3``) into all linear maps of the layers, in place.

    The head is trained in full, all else is frozen; a layer that is frozen already gets none. ``base`` is
    the model as the user named it, a folder or a name on the hub; ``total_steps`` is what AdaLoRA plans its
    ranks over. The adapters begin as no change, their random numbers drawn from ``seed`` alone.
    Raises: UsageError where there is nothing to adapt, EnvError where peft is not installed, ValueError for another
    ``kind``.
    Source: Hu et al., LoRA, 2021; Zhang et al., AdaLoRA, 2023; Liu et al., IA3, 2022.
    """
    peft = _import_peft()
    structure = read_structure(model)
    _refuse_loose_head(model)
    by_layer = _linear_maps(model, structure)
    if not by_layer:
        raise UsageError(
            f"--peft {kind} finds no layer of {type(model).__name__} that is not frozen",
            hint="Give --freeze a smaller number, or --freeze none: an adapter freezes the model itself",
        )
    shared = {
        "target_modules": [name for names in by_layer for name in names],
        "modules_to_save": _head_modules(model, structure) or None,
    }
    match kind:
        case "lora":
            config = peft.LoraConfig(r=rank, lora_alpha=ALPHA_PER_RANK * rank, **shared)
        case "adalora":
            config = peft.AdaLoraConfig(
                init_r=rank + max(1, rank // 2),  # AdaLoRA begins half as large again, section 4.1
                target_r=rank,
                lora_alpha=ALPHA_PER_RANK * rank,
                total_step=total_steps,
                tinit=total_steps // 10,
                tfinal=total_steps // 3,
                deltaT=max(1, total_steps // 100),
                **shared,
            )
        case "ia3":
            # The last linear map of a layer leads out of the feed-forward part: its input is scaled.
            config = peft.IA3Config(feedforward_modules=[names[-1] for names in by_layer], **shared)
        case _:
            raise ValueError(f"there is no adapter {kind!r}")
    with _random_from(seed, model.device), warnings.catch_warnings():
        # peft asks transformers in a way that transformers 6 will forget; no one else can mend it.
        warnings.simplefilter("ignore", FutureWarning)
        wrapped = peft.get_peft_model(model, config)
    config.base_model_name_or_path = str(Path(base).absolute()) if Path(base).is_dir() else base
    return Adapters(model, wrapped, kind)


def penalty(adapters: Adapters) -> torch.Tensor | None:
    """Return what AdaLoRA adds to the mean loss of a step, one number, once a step; None for other adapters.

    It keeps the factors of the updates near orthogonal, so that their scales can be compared.
    Source: Zhang et al., AdaLoRA, 2023, equation 4, as the mean over the factors that peft takes.
    """
    if adapters.kind != "adalora":
        return None
    distances = []
    for name, weight in adapters.model.named_parameters():
        if f"lora_A.{NAME}" in name or f"lora_B.{NAME}" in name:
            rows = weight if "lora_A" in name else weight.T
            product = rows @ rows.T
            distances.append(torch.linalg.matrix_norm(product - torch.eye(len(rows)).to(product)))
    return torch.stack(distances).mean() * float(adapters.config.orth_reg_weight)


def after_step(adapters: Adapters, step: int) -> None:
    """Let AdaLoRA move ranks to where they matter; nothing for other adapters.

    Call it after the optimizer's step ``step`` (from 1), while the step's gradients are still there.
    """
    if adapters.kind != "adalora":
        return
    tuner, config = adapters.wrapped.base_model, adapters.config
    # In a run of a single step peft would rank what it has no averages of.
    if tuner.rankallocator.exp_avg_ipt or config.rank_pattern or step < config.total_step - config.tfinal:
        tuner.update_and_allocate(step)


def adapter_state(adapters: Adapters) -> dict[str, torch.Tensor]:
    """Return what going on with AdaLoRA needs besides the model's weights, tensors by name; empty for other adapters."""
    if adapters.kind != "adalora":
        return {}
    allocator = adapters.wrapped.base_model.rankallocator
    kept = adapters.config.rank_pattern or {}
    return {
        **{f"importance/{name}": average for name, average in allocator.exp_avg_ipt.items()},
        **{f"uncertainty/{name}": average for name, average in allocator.exp_avg_unc.items()},
        **{f"kept/{name}": torch.tensor(pattern, dtype=torch.bool) for name, pattern in kept.items()},
    }


def restore_adapter_state(adapters: Adapters, state: Mapping[str, torch.Tensor]) -> None:
    """Go on from what ``adapter_state`` returned, tensors by name."""
    if adapters.kind != "adalora":
        return
    device = adapters.model.device
    parts: dict[str, dict[str, torch.Tensor]] = {"importance": {}, "uncertainty": {}, "kept": {}}
    for key, value in state.items():
        part, name = key.split("/", 1)
        parts[part][name] = value
    allocator = adapters.wrapped.base_model.rankallocator
    allocator.exp_avg_ipt = {name: value.to(device) for name, value in parts["importance"].items()}
    allocator.exp_avg_unc = {name: value.to(device) for name, value in parts["uncertainty"].items()}
    # Its presence tells peft that the averages above have begun.
    allocator.ipt = {name: torch.zeros_like(value) for name, value in allocator.exp_avg_ipt.items()}
    adapters.config.rank_pattern = {name: value.tolist() for name, value in parts["kept"].items()} or None


def save_adapter(adapters: Adapters, folder: Path) -> None:
    """Save adapter and head in peft's format, with the labels. Raises: RunFailed.

    The folder opens with ``PeftModel.from_pretrained`` on top of the base model, whose configuration with the
    labels is ``base_config.json``; its architecture there is the class to open it with.
    """
    config = copy.deepcopy(adapters.model.config)
    config.architectures = [type(adapters.model).__name__]
    try:
        with _all_ranks_kept(adapters):
            adapters.wrapped.save_pretrained(folder, save_embedding_layers=False)
        config.to_json_file(folder / BASE_CONFIG, use_diff=False)
        # peft's card, of blanks to fill in: the worker writes one that says something.
        (folder / "README.md").unlink(missing_ok=True)
    except OSError as error:
        raise RunFailed(
            f"the adapter cannot be saved in {folder}: {error}",
            hint="Make room there, or run again with --run-dir on another disk",
        ) from error


def merge(adapters: Adapters) -> PreTrainedModel:
    """Add the adapter to the weights and return the model as a plain one. Raises: RunFailed."""
    try:
        merged: PreTrainedModel = adapters.wrapped.merge_and_unload(safe_merge=True)
    except ValueError as error:  # weights that are no numbers
        raise RunFailed(
            f"the adapter cannot be merged: {error}",
            hint="Try a smaller --learning-rate, a tenth of it to begin with",
        ) from error
    return merged


def _import_peft() -> Any:
    try:
        import peft
    except ImportError as error:
        from envkit.owner import install_command  # for an error alone

        raise EnvError(
            f"--peft needs the package peft, which cannot be imported here: {error}",
            hint=f"Leave --env out, so that an environment is made, or: {install_command('envkit-ml[finetune]')}",
        ) from error
    return peft


def _linear_maps(model: PreTrainedModel, structure: Structure) -> list[list[str]]:
    """Return for each layer that is trained the names of its linear maps, first used first."""
    by_layer: dict[str, list[str]] = {}
    for name, module in model.named_modules():
        layer = next((each for each in structure.layers if name.startswith(f"{each}.")), None)
        if layer and isinstance(module, torch.nn.Linear) and module.weight.requires_grad:
            by_layer.setdefault(layer, []).append(name)
    return list(by_layer.values())


def _head_modules(model: PreTrainedModel, structure: Structure) -> list[str]:
    """Return the head's modules that hold weights of their own: of others, peft cannot merge IA3."""
    found: list[str] = []
    for name, module in model.named_modules():
        is_within = any(name.startswith(f"{outer}.") for outer in found)
        if structure.is_head(name) and not is_within and any(True for _ in module.parameters(recurse=False)):
            found.append(name)
    return found


def _refuse_loose_head(model: PreTrainedModel) -> None:
    """Refuse a head with weights in no module: peft would freeze them and save none."""
    loose = [name for name, _ in model.named_parameters(recurse=False)]
    if loose and model.base_model is not model:
        raise UsageError(
            f"--peft cannot train the head of {type(model).__name__}: {', '.join(loose)} stand in no module",
            hint="Leave --peft out, or give --model another model",
        )


@contextlib.contextmanager
def _random_from(seed: int, device: torch.device) -> Iterator[None]:
    """Draw random numbers from this seed, and leave the generators as they were."""
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(seed)
        yield


@contextlib.contextmanager
def _all_ranks_kept(adapters: Adapters) -> Iterator[None]:
    """Keep peft from leaving out the rows that AdaLoRA set to 0: the sums of the rest would round otherwise."""
    if adapters.kind != "adalora":
        yield
        return
    pattern, adapters.config.rank_pattern = adapters.config.rank_pattern, None
    try:
        yield
    finally:
        adapters.config.rank_pattern = pattern
