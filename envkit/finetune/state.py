"""Turn the state of a training into files and back: tensors as safetensors, all else as JSON, nothing unpickled."""

from __future__ import annotations

import errno
import hashlib
import json
import random
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import msgspec
import numpy
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from envkit.api import EnvkitError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from transformers import PreTrainedModel

STATE_FILE = "state.json"
WEIGHTS_FILE = "weights.safetensors"


@dataclass(frozen=True, kw_only=True)
class Part:
    """One part of a training's state: tensors by name, and ``values`` that JSON can hold exactly.

    So no NaN, no infinity, and keys that are strings; tuples come back as lists.
    """

    tensors: Mapping[str, torch.Tensor] = field(default_factory=dict)
    values: Any = None


def save_parts(folder: Path, parts: Mapping[str, Part]) -> None:
    """Write each part's tensors to ``<name>.safetensors`` and the values of all to ``state.json``.

    Raises: OSError, and ValueError for values that JSON cannot hold exactly.
    """
    values = {name: part.values for name, part in parts.items()}
    content = msgspec.json.encode(values)
    if msgspec.json.decode(content) != _with_lists(values):
        raise ValueError("the values of a state must be such that JSON gives them back as they were")
    (folder / STATE_FILE).write_bytes(content + b"\n")
    for name, part in parts.items():
        if part.tensors:
            save_tensors(folder / f"{name}.safetensors", part.tensors)


def load_parts(folder: Path) -> dict[str, Part]:
    """Return the parts that ``save_parts`` wrote, their tensors on the CPU. Raises: EnvkitError."""
    file = folder / STATE_FILE
    try:
        values = msgspec.json.decode(file.read_bytes(), type=dict[str, Any])
    except (OSError, ValueError) as error:
        raise _unreadable(file, error) from error
    parts = {}
    for name, value in values.items():
        tensors_file = folder / f"{name}.safetensors"
        tensors = load_tensors(tensors_file) if tensors_file.exists() else {}
        parts[name] = Part(tensors=tensors, values=value)
    return parts


def save_tensors(file: Path, tensors: Mapping[str, torch.Tensor]) -> None:
    """Write tensors of any device and shape to a safetensors file; ones that share memory are each written whole.

    Raises: OSError.
    """
    try:
        save_file({name: tensor for name, tensor in _unshared(tensors)}, file)
    except SafetensorError as error:  # says in words what the operating system said as a number
        number = re.search(r"\(os error (\d+)\)", str(error))
        raise OSError(int(number[1]) if number else errno.EIO, str(error), str(file)) from error


def load_tensors(file: Path) -> dict[str, torch.Tensor]:
    """Return the tensors of a safetensors file by name, on the CPU. Raises: EnvkitError."""
    try:
        return dict(load_file(file))
    except (OSError, SafetensorError) as error:
        raise _unreadable(file, error) from error


def random_state() -> Part:
    """Return where Python's, numpy's and torch's global generators stand, those of every GPU in use included."""
    version, words, gauss = random.getstate()
    kind, key, position, has_gauss, cached_gauss = numpy.random.get_state()
    tensors = {"torch": torch.get_rng_state(), "numpy": torch.from_numpy(key.astype(numpy.int64))}
    if torch.cuda.is_initialized():  # else none of its numbers was drawn, and asking would wake every GPU
        tensors.update((f"cuda:{index}", state) for index, state in enumerate(torch.cuda.get_rng_state_all()))
    if torch.backends.mps.is_available():
        tensors["mps"] = torch.mps.get_rng_state()
    return Part(
        tensors=tensors,
        values={
            "python": [version, list(words), gauss],
            "numpy": [kind, int(position), int(has_gauss), float(cached_gauss)],
        },
    )


def set_random_state(state: Part) -> None:
    """Put the generators where ``random_state`` found them; those of devices that are not here are left out."""
    version, words, gauss = state.values["python"]
    random.setstate((version, tuple(words), gauss))
    kind, position, has_gauss, cached_gauss = state.values["numpy"]
    key = state.tensors["numpy"].numpy().astype(numpy.uint32)
    numpy.random.set_state((kind, key, position, has_gauss, cached_gauss))
    torch.set_rng_state(state.tensors["torch"])
    for index in range(torch.cuda.device_count()):
        if f"cuda:{index}" in state.tensors:
            torch.cuda.set_rng_state(state.tensors[f"cuda:{index}"], index)
    if "mps" in state.tensors and torch.backends.mps.is_available():
        torch.mps.set_rng_state(state.tensors["mps"])


def changing_weights(model: torch.nn.Module) -> dict[str, torch.Tensor]:
    """Return by name what training changes: the weights that have gradients, and the buffers that a model keeps.

    Tied weights come once, under their first name. The tensors are the model's own, not copies.
    """
    trained = {name: weight for name, weight in model.named_parameters() if weight.requires_grad}
    kept = model.state_dict(keep_vars=True)
    return trained | {name: buffer for name, buffer in model.named_buffers() if name in kept}


def describe_model(model: PreTrainedModel) -> str:
    """Return a SHA-256 over the model as it was loaded, weights and configuration.

    No checkpoint holds all of it: what is not trained comes from --model when a run goes on.
    """
    told = model.config.to_dict()
    for name in ("_name_or_path", "transformers_version", "dtype"):
        told.pop(name, None)
    digest = hashlib.sha256(json.dumps(told, sort_keys=True, default=str).encode())
    for name, weight in model.named_parameters():
        digest.update(f"{name} {_form(weight)}\n".encode())
        digest.update(weight.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy())
    return digest.hexdigest()


def set_tensors(
    targets: Mapping[str, torch.Tensor], tensors: Mapping[str, torch.Tensor], *, file: Path
) -> None:
    """Copy tensors read from ``file`` into ``targets`` of the same names, shapes and types of numbers.

    Raises: EnvkitError, before anything is changed, where they are others.
    """
    for name in dict.fromkeys((*targets, *tensors)):
        if name not in tensors:
            raise _misfit(file, f"has no {name}")
        if name not in targets:
            raise _misfit(file, f"has {name}, which is not trained here")
        expected, found = _form(targets[name]), _form(tensors[name])
        if found != expected:
            raise _misfit(file, f"has {name} as {found}, expected {expected}")
    with torch.no_grad():
        for name, target in targets.items():
            target.copy_(tensors[name])


def optimizer_state(optimizer: torch.optim.Optimizer, named: Mapping[str, torch.Tensor]) -> Part:
    """Return all that the optimizer remembers; ``named`` has the weights that it moves by name."""
    names = {id(weight): name for name, weight in named.items()}
    tensors: dict[str, torch.Tensor] = {}
    values: dict[str, dict[str, Any]] = {}
    on_cpu = []  # counts of steps, mostly, that stay there while the weight is on a GPU
    for weight, remembered in optimizer.state.items():
        name = names[id(weight)]
        values[name] = {}
        for key, value in remembered.items():
            if not isinstance(value, torch.Tensor):
                values[name][key] = value
                continue
            tensors[f"{key}/{name}"] = value
            if value.device.type == "cpu" != weight.device.type:
                on_cpu.append(f"{key}/{name}")
    groups = [
        {"names": [names[id(weight)] for weight in group["params"]]} for group in optimizer.param_groups
    ]
    kind = type(optimizer).__name__
    return Part(tensors=tensors, values={"kind": kind, "groups": groups, "weights": values, "on_cpu": on_cpu})


def set_optimizer_state(
    optimizer: torch.optim.Optimizer, named: Mapping[str, torch.Tensor], state: Part, *, file: Path
) -> None:
    """Let the optimizer go on where the one stood that ``optimizer_state`` was asked of; ``named`` as there, by name.

    Not ``load_state_dict``: it turns what is remembered into the weights' type of numbers, and a bfloat16
    weight with a float32 memory would go on otherwise. Raises: EnvkitError, before anything is changed,
    where the kind of optimizer or its groups of weights are others; ``file`` is where the state was read.
    """
    names = {id(weight): name for name, weight in named.items()}
    kind = type(optimizer).__name__
    if state.values["kind"] != kind:
        raise _misfit(file, f"is of the optimizer {state.values['kind']}, expected {kind}")
    saved = state.values["groups"]
    groups = [[names[id(weight)] for weight in group["params"]] for group in optimizer.param_groups]
    if [group["names"] for group in saved] != groups:
        raise _misfit(file, "has the trained weights in other groups, or other ones")
    # What a group was told (rates, decay) is not taken over: it follows from the options, which may be others.
    optimizer.state.clear()
    for name, values in state.values["weights"].items():
        optimizer.state[named[name]].update(values)
    on_cpu = frozenset(state.values["on_cpu"])
    for place, tensor in state.tensors.items():
        key, _, name = place.partition("/")
        device = torch.device("cpu") if place in on_cpu else named[name].device
        optimizer.state[named[name]][key] = tensor.to(device, copy=True)


def _unshared(tensors: Mapping[str, torch.Tensor]) -> Iterator[tuple[str, torch.Tensor]]:
    # The format holds no tensor that is a part of another's memory, or laid out otherwise than by rows.
    seen = set()
    for name, tensor in tensors.items():
        whole = tensor.detach().contiguous()
        storage = whole.untyped_storage()
        if storage.data_ptr() in seen or storage.nbytes() != whole.nbytes:
            whole = whole.clone()
        seen.add(whole.untyped_storage().data_ptr())
        yield name, whole


def _with_lists(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _with_lists(inner) for key, inner in value.items()}
    return [_with_lists(inner) for inner in value] if isinstance(value, (list, tuple)) else value


def _form(tensor: torch.Tensor) -> str:
    return f"{str(tensor.dtype).removeprefix('torch.')} {list(tensor.shape)}"


def _unreadable(file: Path, error: Exception) -> EnvkitError:
    return EnvkitError(f"{file} cannot be read: {error}", hint="Go on from another checkpoint, or start over")


def _misfit(file: Path, problem: str) -> EnvkitError:
    return EnvkitError(f"{file} {problem}", hint="It is of another training. Start over: envkit run")
