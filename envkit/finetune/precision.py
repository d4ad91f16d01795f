"""Choose the numbers to compute in, by trying a step on the device itself."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch

from envkit.api import MachineError
from envkit.finetune.masters import Masters
from envkit.finetune.state import random_state, set_random_state

if TYPE_CHECKING:
    from collections.abc import Callable

    from envkit.finetune.state import Part

# Less than this is not worth numbers with less precision.
_WORTHWHILE = 1.15
# Of float32's loss, with the same dropout; rounding moves it by a thousandth.
_LARGEST_DISTANCE = 0.05
_TIMED_STEPS = 3
# Float16's first loss scale suits a mean; for a sum it is halved until it does.
_MOST_OVERFLOWS = 20


@dataclass(frozen=True)
class Precision:
    """The numbers to compute in (``float32``, ``bfloat16`` or ``float16``), and why these."""

    name: str
    reason: str


@dataclass(frozen=True)
class Trial:
    """A step in some precision: seconds forward and backward, and its loss."""

    seconds: float
    loss: float


def choose_precision(
    asked: str, model: torch.nn.Module, *, device: torch.device, loss: Callable[[], torch.Tensor]
) -> Precision:
    """Return the precision that was asked for, for ``auto`` the fastest that is sound here.

    ``loss`` computes the loss of a typical batch with the model as it is. A precision is sound where loss
    and gradients are finite and the loss is near float32's; float32 stays unless another is clearly
    faster. Model and random numbers are left as they were. Raises: MachineError where the device cannot
    compute in what was asked for.
    """
    if asked == "float32":
        return Precision(asked, "as asked")
    if asked != "auto":
        trial = _try(asked, model, device, loss)
        if isinstance(trial, str):
            raise MachineError(
                f"a step in {asked} does not work on this {device.type} device: {trial}",
                hint="Give --precision auto, or float32",
            )
        return Precision(asked, "as asked")
    trials = {name: _try(name, model, device, loss) for name in _candidates(device)}
    exact = trials.pop("float32")
    if isinstance(exact, str):
        return Precision("float32", f"a step could not be tried: {exact}")
    best = Precision("float32", "")
    told = []
    least = exact.seconds / _WORTHWHILE
    for name, trial in trials.items():
        if isinstance(trial, str):
            told.append(f"{name} does not work here ({trial})")
        elif abs(trial.loss - exact.loss) > _LARGEST_DISTANCE * abs(exact.loss):
            told.append(f"{name} gives another loss ({trial.loss:.4g} for {exact.loss:.4g})")
        else:
            told.append(f"{name} is {exact.seconds / trial.seconds:.2f}x as fast as float32")
            if trial.seconds < least:
                best, least = Precision(name, ""), trial.seconds
    return Precision(
        best.name, f"on this {device.type} device {' and '.join(told)}" if told else "nothing faster"
    )


def _candidates(device: torch.device) -> tuple[str, ...]:
    # Half the range of float16 is lost to a loss scale, which only pays where there is no bfloat16.
    return ("float32", "bfloat16", "float16") if device.type == "cuda" else ("float32", "bfloat16")


def _try(
    name: str, model: torch.nn.Module, device: torch.device, loss: Callable[[], torch.Tensor]
) -> Trial | str:
    """Return how a step went, or why it did not."""
    random = random_state()
    masters = Masters(model, name)
    was_training = model.training
    model.train()
    try:
        overflows, timed = 0, [_step(masters, device, loss, random)]  # this one warms up
        while timed[0] is None and name == "float16" and overflows < _MOST_OVERFLOWS:
            overflows, timed = overflows + 1, [_step(masters, device, loss, random)]
        timed += [_step(masters, device, loss, random) for _ in range(_TIMED_STEPS)]
        sound = [trial for trial in timed[1:] if trial is not None]
        if len(sound) < _TIMED_STEPS:
            return "loss or gradients are not finite"
        return min(sound, key=lambda trial: trial.seconds)
    except RuntimeError as error:  # what a kernel that is not there raises
        if isinstance(error, torch.OutOfMemoryError):
            raise
        return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    finally:
        model.zero_grad(set_to_none=True)
        masters.restore()
        model.train(was_training)
        set_random_state(random)


def _step(
    masters: Masters, device: torch.device, loss: Callable[[], torch.Tensor], random: Part
) -> Trial | None:
    """Compute loss and gradients once; return None where they are not finite."""
    set_random_state(random)
    _wait(device)
    began = time.perf_counter()
    value = loss()
    masters.backward(value)
    _wait(device)
    trial = Trial(time.perf_counter() - began, float(value.detach()))
    is_sound = masters.unscale() and _are_finite(masters) and math.isfinite(trial.loss)
    for weight in masters.weights.values():
        weight.grad = None
    return trial if is_sound else None


def _are_finite(masters: Masters) -> bool:
    gradients: list[Any] = [weight.grad for weight in masters.weights.values() if weight.grad is not None]
    return all(bool(gradient.isfinite().all()) for gradient in gradients)


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()
