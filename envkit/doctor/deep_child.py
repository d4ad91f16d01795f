"""Compute on the devices of this machine, and say line by line what came of it.

Run by path, in any Python that has torch, with nothing of envkit: ``python -I deep_child.py SUBJECT SECONDS``.
SUBJECT is ``cpu``, ``gpu`` or ``bfloat16``. Each line of standard output is one JSON object: ``device`` and
``state`` (``begun``, ``right``, ``wrong`` or ``failed``), before them one with ``torch``. After SECONDS it ends
itself, so that what it has said is not lost with it.
"""

from __future__ import annotations

import faulthandler
import importlib
import json
import math
import os
import sys
import time
from typing import Any

_SEED = 20
_ROWS, _WORDS, _WIDTH, _HEADS, _CLASSES = 4, 16, 32, 4, 5
# How far results may lie from those of float64, as a share of the largest of each: bfloat16 has 8 bits of mantissa.
_TOLERANCE = {"float32": 2e-3, "bfloat16": 8e-2}


def main() -> int:
    """Try one subject on each of its devices."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # whatever torch prints is no answer

    def say(**answer: Any) -> None:
        answers.write(json.dumps(answer) + "\n")
        answers.flush()

    subject, seconds = sys.argv[1], float(sys.argv[2])
    faulthandler.dump_traceback_later(seconds, exit=True)  # its thread needs no lock that a hung driver holds
    torch: Any = importlib.import_module("torch")  # by name: this file lies among those of the host
    say(torch=str(torch.__version__), built_for=_built_for(torch), kernels=_kernels(torch))
    torch.set_num_threads(min(4, torch.get_num_threads()))
    for device in _devices(torch, subject):
        say(device=device, state="begun", name=_name(torch, device), capability=_capability(torch, device))
        began = time.perf_counter()
        try:
            share = _difference(torch, device, "bfloat16" if subject == "bfloat16" else "float32")
        except Exception as error:  # noqa: BLE001  # whatever a device answers is what is asked for
            say(device=device, state="failed", error=f"{type(error).__name__}: {error}"[:1000])
            continue
        limit = _TOLERANCE["bfloat16" if subject == "bfloat16" else "float32"]
        state = "right" if share <= limit else "wrong"  # a NaN is never at most anything
        say(device=device, state=state, difference=share, seconds=round(time.perf_counter() - began, 3))
    return 0


def _devices(torch: Any, subject: str) -> list[str]:
    found = [f"cuda:{index}" for index in range(torch.cuda.device_count())]
    if hasattr(torch, "xpu") and torch.xpu.is_available():
        found += [f"xpu:{index}" for index in range(torch.xpu.device_count())]
    mps = getattr(torch.backends, "mps", None)
    if mps is not None and mps.is_available():
        found.append("mps")
    return {"cpu": ["cpu"], "gpu": found}.get(subject, ["cpu", *found])


def _built_for(torch: Any) -> str:
    for name in ("cuda", "hip", "xpu"):
        if version := getattr(torch.version, name, None):
            return f"{name} {version}"
    return "cpu"


def _kernels(torch: Any) -> list[str]:
    return list(torch.cuda.get_arch_list()) if torch.version.cuda else []


def _name(torch: Any, device: str) -> str | None:
    kind, _, index = device.partition(":")
    module = getattr(torch, kind, None) if index else None
    return None if module is None else str(module.get_device_name(int(index)))


def _capability(torch: Any, device: str) -> str | None:
    if not device.startswith("cuda") or not torch.version.cuda:
        return None
    major, minor = torch.cuda.get_device_capability(int(device.partition(":")[2]))
    return f"{major}.{minor}"


def _difference(torch: Any, device: str, dtype: str) -> float:
    """Return how far loss and gradients on a device lie from the CPU's in float64, as a share of the largest."""
    weights, rows, labels = _numbers(torch)
    wanted = _step(torch, [each.clone() for each in weights], rows, labels)
    kind = getattr(torch, dtype)
    there = [each.to(device=device, dtype=kind) for each in weights]
    got = _step(torch, there, rows.to(device=device, dtype=kind), labels.to(device))
    shares = [
        ((is_ - should).abs().max() / should.abs().max().clamp_min(1e-12)).item()
        for is_, should in zip(got, wanted, strict=True)
    ]
    return float("nan") if any(map(math.isnan, shares)) else round(max(shares), 8)


def _numbers(torch: Any) -> tuple[list[Any], Any, Any]:
    generator = torch.Generator().manual_seed(_SEED)

    def draw(*shape: int) -> Any:
        return torch.randn(*shape, generator=generator, dtype=torch.float64) / shape[-1] ** 0.5

    weights = [draw(3 * _WIDTH, _WIDTH), draw(_WIDTH, _WIDTH), draw(_CLASSES, _WIDTH), draw(_WIDTH)]
    # Rounded as bfloat16 rounds, so that every precision begins from the very same numbers.
    weights = [each.bfloat16().double() for each in weights]
    rows = draw(_ROWS, _WORDS, _WIDTH).bfloat16().double() * _WIDTH**0.5
    return weights, rows, torch.arange(_ROWS * _WORDS) % _CLASSES


def _step(torch: Any, weights: list[Any], rows: Any, labels: Any) -> list[Any]:
    """Take a forward and a backward step of one layer of attention; return loss and gradients in float64, on the CPU."""
    functional = torch.nn.functional
    for weight in weights:
        weight.requires_grad_()
    mixing, joining, classes, scale = weights
    query, key, value = functional.linear(rows, mixing).chunk(3, dim=-1)
    split = [each.view(_ROWS, _WORDS, _HEADS, -1).transpose(1, 2) for each in (query, key, value)]
    mixed = functional.scaled_dot_product_attention(*split).transpose(1, 2).reshape(_ROWS, _WORDS, _WIDTH)
    hidden = functional.layer_norm(rows + functional.linear(mixed, joining), (_WIDTH,), scale)
    scores = functional.linear(functional.gelu(hidden), classes).flatten(0, 1)
    loss = functional.cross_entropy(scores, labels)
    loss.backward()
    return [each.detach().to("cpu").double() for each in (loss, *(weight.grad for weight in weights))]


if __name__ == "__main__":
    sys.exit(main())
