"""How much disk and memory a run of a task takes, against what there is."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from envkit.api import DEFAULT_MODEL
from envkit.api.checks import Finding
from envkit.environments.disk_space import estimate_size
from envkit.environments.records import format_size
from envkit.models import find_model
from envkit.torchbuild.fit import usable_gpus

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from envkit.api import Options
    from envkit.api.facts import Disk, MachineFacts
    from envkit.doctor.surroundings import Surroundings
    from envkit.environments.foresee import Foreseen

_DEFAULT_WEIGHTS = 90_868_376  # bytes of model.safetensors of the default model, in float32
_DEFAULT_LAYOUT = {"hidden_size": 384, "num_hidden_layers": 6}
_WEIGHT_FILES = ("*.safetensors", "pytorch_model*.bin")
# A run keeps its model and, while it trains, two checkpoints: each the weights and two averages of Adam's a weight.
_COPIES_ON_DISK = 1 + 2 * 3
# In float32: a weight, its gradient, and two averages of Adam's.
_COPIES_IN_MEMORY = 4
# What Python, torch and transformers take, measured with torch 2.13: on the CPU, and of a GPU with CUDA's own.
_LIBRARIES = 700_000_000
_LIBRARIES_ON_GPU = 800_000_000
# Activations of a layer in float32: 68 bytes a token and unit of width, attention scores apart (Korthikanti et
# al. 2022, arXiv:2205.05198, equation 1, doubled for 4 bytes); so many tokens are computed at once on a CPU.
_BYTES_A_UNIT = 68
_TOKENS_AT_ONCE = 4096
_TIGHT = 0.9


@dataclass(frozen=True, kw_only=True)
class _Need:
    purpose: str
    what: str
    size: int


def disk_finding(
    foreseen: Foreseen | None,
    options: Options,
    *,
    facts: MachineFacts,
    surroundings: Surroundings,
    environ: Mapping[str, str],
) -> Finding:
    """Return whether what would be installed, fetched and written finds room, by disk."""
    needs = [*_environment_needs(foreseen, facts, surroundings), *_model_needs(options, environ)]
    disks = {disk.purpose: disk for disk in facts.disks if disk.purpose}
    by_mount: dict[str, tuple[Disk, list[_Need]]] = {}
    for need in needs:
        if (disk := disks.get(need.purpose)) is not None:
            by_mount.setdefault(disk.mount or disk.existing, (disk, []))[1].append(need)
    if not by_mount:
        return Finding(id="task.disk", severity="skip", summary="how much disk is free is not known")
    lines: list[str] = []
    full: list[Disk] = []
    tight: list[Disk] = []
    for disk, wanted in by_mount.values():
        needed = sum(need.size for need in wanted)
        place = disk.mount or disk.existing
        parts = ", ".join(f"{need.what} {format_size(need.size)}" for need in wanted if need.size)
        lines.append(f"{place}: {format_size(disk.free)} free, about {format_size(needed)} needed ({parts})")
        (full if needed > disk.free else tight if needed > _TIGHT * disk.free else []).append(disk)
    total = sum(need.size for need in needs)
    download = _download(foreseen, needs)
    if not full:
        return Finding(
            id="task.disk",
            severity="warn" if tight else "ok",
            summary=f"about {format_size(total)} of disk would be taken{download}"
            + (f", and {tight[0].existing} is then nearly full" if tight else ""),
            evidence=tuple(lines),
            fix="envkit runs clean; uv cache prune" if tight else None,
        )
    return Finding(
        id="task.disk",
        severity="error",
        summary=f"{full[0].existing} has {format_size(full[0].free)} free, which is too little{download}",
        evidence=tuple(lines),
        fix="Free some space (envkit runs clean, uv cache prune), or use another disk: "
        "ENVKIT_HOME=DIR UV_CACHE_DIR=DIR",
    )


def memory_finding(options: Options, *, facts: MachineFacts, environ: Mapping[str, str]) -> Finding:
    """Return whether the model, its gradients and the optimizer's state fit where they would be computed."""
    weights, layout = _model_size(options, environ)
    if weights is None:
        return Finding(
            id="task.memory",
            severity="skip",
            summary="how much memory is needed is not known",
            evidence=(f"{options.model} is not on this machine",),
        )
    device = str(getattr(options, "device", "auto"))
    gpus = [gpu.memory for gpu in usable_gpus(facts) if gpu.memory]
    if gpus and not device.startswith(("cpu", "mps")):
        needed = _COPIES_IN_MEMORY * weights + _LIBRARIES_ON_GPU
        return _judge_memory(needed, total=min(gpus), free=min(gpus), where="the smallest GPU")
    memory = facts.memory
    totals = [size for size in (memory.total, memory.limit) if size]
    if not totals:
        return Finding(id="task.memory", severity="skip", summary="how much memory there is is not known")
    needed = _COPIES_IN_MEMORY * weights + _LIBRARIES + _activations(layout)
    free = min(size for size in (*totals, memory.available) if size)
    return _judge_memory(needed, total=min(totals), free=free, where="this machine")


def _judge_memory(needed: int, *, total: int, free: int, where: str) -> Finding:
    has = f"{where} has {format_size(total)}" + (f", {format_size(free)} of it free" if free != total else "")
    if needed > total:
        return Finding(
            id="task.memory",
            severity="error",
            summary=f"about {format_size(needed)} of memory are needed, and {has}",
            fix="Train an adapter (--peft lora) or part of the model (--freeze all-but-head), or a smaller --model",
        )
    if needed > _TIGHT * free:
        return Finding(
            id="task.memory",
            severity="warn",
            summary=f"about {format_size(needed)} of memory are needed, and {has}",
            fix="End other programs, or compute less at once: --micro-batch-tokens 1024",
        )
    return Finding(
        id="task.memory", severity="ok", summary=f"about {format_size(needed)} of memory are needed; {has}"
    )


def _environment_needs(
    foreseen: Foreseen | None, facts: MachineFacts, surroundings: Surroundings
) -> Sequence[_Need]:
    if foreseen is not None and foreseen.kind != "to be made":
        return ()
    size = surroundings.disk_needed if foreseen is None else estimate_size(foreseen.torch)
    needs = [_Need(purpose="environments", what="the environment", size=size)]
    if facts.hard_links.works is not True:  # else its files are those of the cache
        needs.append(_Need(purpose="uv cache", what="uv's cache", size=size))
    return needs


def _model_needs(options: Options, environ: Mapping[str, str]) -> Sequence[_Need]:
    weights, _ = _model_size(options, environ)
    if weights is None:
        return ()
    return (_Need(purpose="runs", what="the run's model and checkpoints", size=_COPIES_ON_DISK * weights),)


def _download(foreseen: Foreseen | None, needs: Sequence[_Need]) -> str:
    if foreseen is None or foreseen.kind != "to be made" or foreseen.torch is None:
        return ""
    size = foreseen.torch.download
    return "" if size is None else f", {format_size(size)} of it fetched"


def _model_size(options: Options, environ: Mapping[str, str]) -> tuple[int | None, Mapping[str, Any]]:
    """Return the bytes of a model's weights and its configuration, None and none where it is not here."""
    found = find_model(options.model, environ=environ)
    if found is None:
        return (_DEFAULT_WEIGHTS, _DEFAULT_LAYOUT) if options.model == DEFAULT_MODEL else (None, {})
    try:
        layout = json.loads((found.path / "config.json").read_text(encoding="utf-8"))
        for pattern in _WEIGHT_FILES:
            files = [file for file in Path(found.path).glob(pattern) if not file.name.startswith("training_")]
            if files:
                return sum(file.stat().st_size for file in files), layout if isinstance(layout, dict) else {}
    except (OSError, ValueError):
        pass  # the run will say what is wrong with it
    return None, {}


def _activations(layout: Mapping[str, Any]) -> int:
    width, layers = layout.get("hidden_size"), layout.get("num_hidden_layers")
    if not isinstance(width, int) or not isinstance(layers, int):
        return 0
    return _BYTES_A_UNIT * width * layers * _TOKENS_AT_ONCE
