"""Typed options: what a task can be told, with help and bounds beside each field."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, TypeVar, cast

import msgspec

DEFAULT_MODEL = "sentence-transformers/all-MiniLM-L6-v2"

T = TypeVar("T")


def Meta(
    help: str,
    *,
    ge: float | None = None,
    gt: float | None = None,
    le: float | None = None,
    lt: float | None = None,
    pattern: str | None = None,
) -> msgspec.Meta:
    """Describe an option: its help text and the bounds of its value.

    Used as ``field: Annotated[int, Meta("Sentences a step.", ge=1)] = 16``.
    """
    # msgspec's own signature is a set of overloads (ge or gt, never both); it checks them itself.
    meta: Any = msgspec.Meta
    return cast("msgspec.Meta", meta(description=help, ge=ge, gt=gt, le=le, lt=lt, pattern=pattern))


class Options(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The options that every task has; a plugin subclasses it and adds its own.

    Each field is a command-line flag, a key of ``envkit.toml`` and a variable
    ``ENVKIT_<TASK>_<OPTION>``. Types: ``bool``, ``int``, ``float``, ``str``, ``Path``,
    ``Literal`` of strings, a ``tuple`` of these, and ``| None`` of each. A subclass repeats a
    field to give it another default. Checks over several fields go into ``__post_init__`` as ``ValueError``.
    """

    train: Annotated[Path, Meta("File to train on.")] | None = None
    dev: (
        Annotated[Path, Meta("File to choose by and score on. Default: a tenth of --train, cut by the seed.")]
        | None
    ) = None
    test: Annotated[Path, Meta("File to score on once, at the end; it never chooses anything.")] | None = None
    data: (
        Annotated[Path, Meta("Instead of the three: a folder with train, dev and test files, or one file.")]
        | None
    ) = None
    model: Annotated[str, Meta("Model to start from: a folder, or a name on the model hub.")] = DEFAULT_MODEL
    epochs: Annotated[int, Meta("Times to go through the training data.", ge=1)] = 3
    max_steps: Annotated[int, Meta("Stop after this many optimizer steps.", ge=1)] | None = None
    batch_size: (
        Annotated[int, Meta("Examples per optimizer step. Default: what suits task and device.", ge=1)] | None
    ) = None
    learning_rate: (
        Annotated[float, Meta("Highest learning rate of the schedule. Default: what suits the task.", gt=0)]
        | None
    ) = None
    seed: Annotated[int, Meta("Seed of everything random.", ge=0, lt=2**32)] = 42
    device: Annotated[
        str,
        Meta(
            "Device to compute on: auto, cpu, cuda, cuda:N or mps.", pattern=r"^(auto|cpu|cuda(:\d+)?|mps)$"
        ),
    ] = "auto"

    def __post_init__(self) -> None:
        """Refuse options that contradict each other. Raises: ValueError."""
        if self.data is not None and (self.train or self.dev or self.test):
            raise ValueError("--data stands for --train, --dev and --test together: give one or the other")
        if self.train is None and (self.dev or self.test):
            raise ValueError("--dev and --test need --train")


def from_builtins(value: Any, type: type[T], *, strict: bool = True) -> T:
    """Build a typed value from plain ones, paths from strings included.

    With ``strict=False``, numbers and booleans are read from strings, as flags and variables give them.
    Infinity and NaN fit no field: JSON, in which a run keeps its options, has neither.
    Raises: msgspec.ValidationError.
    """
    found = msgspec.convert(value, type, strict=strict, dec_hook=_decode)
    _refuse_infinite(found, at="$")
    return found


def to_builtins(value: Any) -> Any:
    """Turn a typed value into dicts, lists, strings and numbers, paths into strings included."""
    return msgspec.to_builtins(value, enc_hook=_encode)


def _decode(type: type[Any], value: Any) -> Any:
    if type is Path and isinstance(value, str) and value:
        return Path(value)
    raise TypeError(f"Expected a {type.__name__.lower()}")  # msgspec adds where


def _refuse_infinite(value: Any, *, at: str) -> None:
    """Raises: msgspec.ValidationError, in msgspec's own form, for a number that is not finite."""
    if isinstance(value, float) and not math.isfinite(value):
        raise msgspec.ValidationError("Expected a finite number" + (f" - at `{at}`" if at != "$" else ""))
    if isinstance(value, msgspec.Struct):
        for name in value.__struct_fields__:
            _refuse_infinite(getattr(value, name), at=f"{at}.{name}")
    elif isinstance(value, Sequence) and not isinstance(value, str | bytes):
        for each in value:
            _refuse_infinite(each, at=f"{at}[...]")


def _encode(value: Any) -> Any:
    if isinstance(value, Path):
        return str(value)
    raise TypeError(f"a value of type {type(value).__name__} cannot be written as JSON")
