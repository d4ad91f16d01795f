"""The options of a run in a test: what is given, and what makes the rest of it small, exact and offline."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from envkit.api import FinetuneOptions, Request
from envkit.api.options import from_builtins
from envkit.option_values import in_words
from envkit.testing.heard import Heard
from envkit.testing.tiny_model import make_tiny_model

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from envkit.api import Options
    from envkit.registry import LoadedTask

_FILES = ("train", "dev", "test", "data")


def takes_parts(task: LoadedTask) -> bool:
    """Tell whether the task's loop is made of the parts of ``envkit.finetune``, by its options."""
    return issubclass(task.task.options, FinetuneOptions)


def plain_options(task: LoadedTask, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return options that compute on the CPU, exactly where the task can be told so, unless given otherwise.

    Files are made absolute, as the host makes them.
    """
    exact = {"precision": "float32"} if takes_parts(task) else {}
    plain = {"device": "cpu", **exact, **given}
    files = {name: str(Path(plain[name]).absolute()) for name in _FILES if plain.get(name) is not None}
    others = {name: str(value) for name, value in plain.items() if isinstance(value, Path)}
    return {**plain, **others, **files}


def complete_options(task: LoadedTask, given: Mapping[str, Any], *, folder: Path) -> Options:
    """Return the task's options, with a tiny model below ``folder`` where a loop of parts is given none.

    Raises: msgspec.ValidationError for what the task does not take, PluginError, DataError.
    """
    plain = plain_options(task, given)
    if "model" not in plain and takes_parts(task) and task.has("envkit_corpus"):
        plain["model"] = str(model_of_words(task, plain, folder / "tiny-model"))
    return _built(task, plain)


def _built(task: LoadedTask, plain: Mapping[str, Any]) -> Options:
    try:
        return from_builtins(plain, task.task.options)
    except msgspec.ValidationError as error:
        raise msgspec.ValidationError(in_words(error, task.task.options, plain)) from error


def model_of_words(
    task: LoadedTask,
    plain: Mapping[str, Any],
    folder: Path,
    *,
    make: Callable[..., Path] = make_tiny_model,
    dropout: float = 0.1,
) -> Path:
    """Make a tiny model of the words in the task's data, once, and return its folder.

    Of a task without a corpus they are the words of its files.
    Raises: DataError, PluginError from reading the data.
    """
    if not folder.exists():
        make(folder, _texts(task, plain), dropout=dropout)
    return folder


def _texts(task: LoadedTask, plain: Mapping[str, Any]) -> list[str]:
    """Return the texts of the task's data. Raises: DataError, PluginError from reading them."""
    if not task.has("envkit_corpus"):
        files = [Path(plain[name]) for name in _FILES if plain.get(name) is not None]
        return [
            line for file in files for line in file.read_text(encoding="utf-8", errors="replace").splitlines()
        ]
    corpus = task.corpus(Request(options=_built(task, plain), report=Heard()))
    return [text for rows in corpus.splits.values() for row in rows for text in row.texts]
