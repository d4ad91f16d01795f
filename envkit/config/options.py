"""A task's options from files, variables and flags, with the source of each value."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from envkit.api import UsageError
from envkit.api.options import Options
from envkit.config.names import find_name, refuse_misspelt_table, refuse_misspelt_variable, variable_of
from envkit.config.stated import Stated, check_stated, stated_in
from envkit.option_values import Value

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from envkit.config_files import Layer

OptionsT = TypeVar("OptionsT", bound=Options)

# Options that say the same in two ways.
_EXCLUSIVE = ((("data",), ("train", "dev", "test")), (("batch_size",), ("tokens_per_step",)))


def resolve_options(
    task: str,
    options_type: type[OptionsT],
    *,
    flags: Mapping[str, Any],
    layers: Iterable[Layer],
    folder: Path,
    environ: Mapping[str, str] = os.environ,
) -> tuple[OptionsT, dict[str, str]]:
    """Return a task's options, checked and with absolute paths, and the source of each value.

    Raises: ConfigError or UsageError, with the source, for an unknown name or a wrong value.
    """
    names = options_type.__struct_fields__
    strongest: dict[str, Stated] = {}
    for layer in layers:
        refuse_misspelt_table(layer, task)
        strongest |= {stated.name: stated for stated in stated_in(layer, names, table=task)}
    strongest |= {stated.name: stated for stated in _of_variables(task, names, environ, folder)}
    refuse_misspelt_variable(environ, task, names)
    for name, raw in flags.items():
        if raw is not None:
            strongest[name] = Stated(name, Value(raw, flag_of(name), is_text=True, folder=folder))
    strongest = drop_contradicted(strongest)
    checked = {name: check_stated(options_type, stated) for name, stated in strongest.items()}
    try:
        options = options_type(**checked)
    except (ValueError, msgspec.ValidationError) as error:
        raise UsageError(str(error), hint=f"envkit run {task} --help") from error
    sources = {name: strongest[name].value.source if name in strongest else "default" for name in names}
    return options, sources


def flag_of(name: str) -> str:
    """Return the flag of an option: ``--learning-rate`` for ``learning_rate``."""
    return "--" + name.replace("_", "-")


def option_of_variable(
    task: str, variable: str, names: tuple[str, ...], *, text: str, folder: Path
) -> Stated | None:
    """Return the option that a variable states, None if it is not this task's. Raises: ConfigError."""
    prefix = f"{variable_of(task)}_"
    if not variable.startswith(prefix) or not text:
        return None
    name = find_name(variable[len(prefix) :].lower(), names, where=f"the variable {variable}")
    return Stated(name, Value(text, variable, is_text=True, folder=folder))


def drop_contradicted(stated: Mapping[str, Stated]) -> dict[str, Stated]:
    """Return the values without those that a stronger source says in another way."""
    # A flag --data beside a file's train (or the other way round) replaces it, as any flag does a file's
    # value; only two of equal standing contradict each other, and then the options' own check says so.
    kept = dict(stated)
    for one, others in _EXCLUSIVE:
        sides = [[name for name in side if name in kept] for side in (one, others)]
        if all(sides):
            strengths = [max(_strength(kept[name].value) for name in side) for side in sides]
            for side, strength in zip(sides, strengths, strict=True):
                if strength < max(strengths):
                    kept = {name: value for name, value in kept.items() if name not in side}
    return kept


def rivals_of(name: str) -> tuple[str, ...]:
    """Return the options that say the same in another way."""
    return next((b if name in a else a for a, b in _EXCLUSIVE if name in (*a, *b)), ())


def _of_variables(
    task: str, names: tuple[str, ...], environ: Mapping[str, str], folder: Path
) -> Iterable[Stated]:
    found = (
        option_of_variable(task, variable, names, text=environ[variable], folder=folder)
        for variable in sorted(environ)
    )
    return [stated for stated in found if stated is not None]


def _strength(value: Value) -> int:
    """Return how strong a source is: a file, a variable, a flag."""
    return 2 if value.source.startswith("--") else 1 if value.source.startswith("ENVKIT_") else 0
