"""Say how long training may take on this machine: from what earlier runs measured, or from a matrix product."""

from __future__ import annotations

import json
import math
import os
import time
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

from envkit.api.records import DurationRecord

if TYPE_CHECKING:
    from collections.abc import Callable, MutableMapping, Sequence
    from pathlib import Path

# Of what a large float32 matrix product reaches, a small BERT in training reaches this share where the
# processor multiplies bfloat16, half of it where not (measured with the default model).
_SHARE_OF_PRODUCT = 0.9
# Forward and backward: 6 operations for each weight and token (Kaplan et al. 2020, arXiv:2001.08361).
_OPERATIONS_PER_WEIGHT = 6
_PRODUCT_SIZE = 512
_PRODUCT_SECONDS = 0.01  # several products on a machine that is idle
_FEWEST_PRODUCTS = 2

_SPREAD_OF_A_RUN = (0.85, 1.25)  # other rows, other lengths; evaluations and loading are not in the figure
_SPREAD_OF_A_GUESS = (0.5, 2.0)


@dataclass(frozen=True)
class Speed:
    """Tokens that training gets through in a second, and what says so; ``is_rough`` for a guess."""

    tokens_per_second: float
    source: str
    is_rough: bool = False


@dataclass(frozen=True)
class SpeedGuess:
    """A speed that is guessed once nothing else keeps the processor busy, from the folder of a model."""

    model_dir: Path
    has_bfloat16: bool

    def prepare(self) -> None:
        """Load what measuring needs, at a time when that makes nobody wait."""
        load_numpy()

    def measure(self) -> Speed | None:
        """Return the speed; None without NumPy or the sizes of the model's weights."""
        return guess_speed(self.model_dir, has_bfloat16=self.has_bfloat16)


def estimate_duration(tokens: int, *, epochs: int, speed: Speed) -> DurationRecord:
    """Say how long so many tokens take, so many times."""
    seconds = tokens * epochs / speed.tokens_per_second
    low, high = _SPREAD_OF_A_GUESS if speed.is_rough else _SPREAD_OF_A_RUN
    return DurationRecord(
        least=round(seconds * low, 1),
        most=round(seconds * high, 1),
        epochs=epochs,
        tokens_per_second=round(speed.tokens_per_second, 1),
        source=speed.source,
        is_rough=speed.is_rough,
    )


def guess_speed(
    model_dir: Path, *, has_bfloat16: bool, product_rate: Callable[[], float | None] | None = None
) -> Speed | None:
    """Guess how fast this processor trains the model of a folder; None without NumPy or its weights' sizes.

    ``product_rate`` gives the operations a second of a float32 matrix product, by default measured now.
    """
    weights = count_weights(model_dir)
    rate = (product_rate or measure_product)() if weights else None
    if not weights or rate is None:
        return None
    share = _SHARE_OF_PRODUCT * (1.0 if has_bfloat16 else 0.5)
    return Speed(
        share * rate / (_OPERATIONS_PER_WEIGHT * weights), "a matrix product on this processor", is_rough=True
    )


def measure_product(*, elapsed: Callable[[], float] = time.perf_counter) -> float | None:
    """Return how many operations a second NumPy does in float32 matrix products; None where it is not there."""
    numpy = load_numpy()
    if numpy is None:
        return None
    matrix = numpy.ones((_PRODUCT_SIZE, _PRODUCT_SIZE), dtype=numpy.float32)
    matrix @ matrix  # threads start with the first
    fastest, tries, began = math.inf, 0, elapsed()
    while (before := elapsed()) - began < _PRODUCT_SECONDS or tries < _FEWEST_PRODUCTS:
        matrix @ matrix
        # The fastest one: what else the machine does just now is no matter of the run's.
        fastest, tries = min(fastest, elapsed() - before), tries + 1
    return 2.0 * _PRODUCT_SIZE**3 / max(fastest, 1e-9)


def load_numpy(*, environ: MutableMapping[str, str] = os.environ) -> Any:
    """Return NumPy, None where it is not there."""
    # OpenBLAS's threads wait for work by turning round and round, for 2**26 cycles if they are not told: on the
    # cores on which the tokenizer is at work. Source: OpenBLAS, THREAD_TIMEOUT in Makefile.rule.
    environ.setdefault("OPENBLAS_THREAD_TIMEOUT", "20")
    try:
        # By name: the host never needs NumPy, so nothing may seem to import it for the host.
        return import_module("numpy")
    except ImportError:
        return None


def count_weights(model_dir: Path) -> int | None:
    """Return how many weights a model has besides its embeddings, from the head of its safetensors file.

    Source: the format of safetensors, 8 bytes with the length of a JSON head, then the head.
    """
    try:
        with (model_dir / "model.safetensors").open("rb") as stream:
            head = json.loads(stream.read(int.from_bytes(stream.read(8), "little")))
        shapes: list[Sequence[int]] = [
            tensor["shape"] for name, tensor in head.items() if name != "__metadata__" and "embed" not in name
        ]
    except (OSError, ValueError, KeyError, AttributeError, MemoryError, OverflowError):
        return None
    return sum(map(math.prod, shapes)) or None
