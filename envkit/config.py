"""Files, environment variables and flags become one set of options, with the source of every value.

Order, the later wins: defaults, the user's ``config.toml``, ``[tool.envkit]`` in ``pyproject.toml``,
``envkit.toml``, ``ENVKIT_<TASK>_<OPTION>``, flags. The two project files are looked for from the working
folder upwards. A task's options stand in a table of its name; envkit's own settings beside these tables.
"""

from __future__ import annotations

import difflib
import os
import tomllib
import typing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import platformdirs

from envkit.api import ConfigError, UsageError
from envkit.api.options import Options
from envkit.option_values import Value, check_value, option_key

if typing.TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

OptionsT = TypeVar("OptionsT", bound=Options)
TrackerName = typing.Literal["tensorboard", "wandb", "none"]

# Options that say the same in two ways.
_EXCLUSIVE = ((("data",), ("train", "dev", "test")), (("batch_size",), ("tokens_per_step",)))
_OTHER_VARIABLES = ("ENVKIT_TRACEBACK", "ENVKIT_TEST_DATA", "ENVKIT_REQUIRE")


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """What envkit itself can be told: in files, or as ``ENVKIT_<NAME>``.

    ``home`` holds the environments; ``torch_index`` is the address whose folders ``cpu``, ``cu126``, …
    hold torch's wheels; ``env`` is the default of ``--env``, ``track`` that of ``--track`` (a list, or text with commas).
    """

    home: Path = Path()
    torch_index: str = "https://download.pytorch.org/whl"
    env: str = "auto"
    track: tuple[TrackerName, ...] = ()


@dataclass(frozen=True)
class Layer:
    """What one file says: envkit's settings, and a table a task."""

    file: Path
    settings: dict[str, Any]
    tables: dict[str, dict[str, Any]]


def user_config_file() -> Path:
    """Return the place of the user's own configuration."""
    return Path(platformdirs.user_config_dir("envkit")) / "config.toml"


def read_layers(folder: Path, *, user_file: Path | None = None) -> list[Layer]:
    """Read the configuration files that count in this folder, weakest first. Raises: ConfigError."""
    layers = [_layer(file, _read_toml(file)) for file in [user_file or user_config_file()] if file.is_file()]
    folders = [folder, *folder.parents]
    for place in folders:
        file = place / "pyproject.toml"
        if file.is_file():
            tool = _read_toml(file).get("tool", {}).get("envkit")
            if tool is not None:
                layers.append(_layer(file, tool))
                break
    for place in folders:
        file = place / "envkit.toml"
        if file.is_file():
            layers.append(_layer(file, _read_toml(file)))
            break
    return layers


def resolve_settings(layers: Iterable[Layer], *, environ: Mapping[str, str] = os.environ) -> Settings:
    """Return envkit's own settings. Raises: ConfigError for an unknown name or a wrong value."""
    values: dict[str, Value] = {}
    names = Settings.__struct_fields__
    for layer in layers:
        for name, raw in _named(layer.settings, names, where=str(layer.file)).items():
            values[name] = Value(raw, str(layer.file), folder=layer.file.parent)
    for name in names:
        variable = f"ENVKIT_{name.upper()}"
        if environ.get(variable):
            values[name] = Value(environ[variable], variable, is_text=True)
    checked = {name: check_value(Settings, name, value) for name, value in values.items()}
    checked.setdefault("home", Path(platformdirs.user_data_dir("envkit")))
    index = checked.get("torch_index")
    if index is not None and "://" not in index:
        raise ConfigError(
            f"{values['torch_index'].source}: torch-index is not an address",
            hint="An address begins with https:// or file://",
        )
    return Settings(**checked)


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
    values: dict[str, Value] = {}
    for layer in layers:
        _refuse_near_miss(layer, task)
        table = _named(layer.tables.get(task, {}), names, where=f"{layer.file}: [{task}]")
        for name, raw in table.items():
            values[name] = Value(raw, str(layer.file), folder=layer.file.parent)
    prefix = f"ENVKIT_{_variable(task)}_"
    for variable in sorted(environ):
        if variable.startswith(prefix) and environ[variable]:
            name = _known(variable[len(prefix) :].lower(), names, where=f"the variable {variable}")
            values[name] = Value(environ[variable], variable, is_text=True, folder=folder)
    _refuse_misspelt_variable(environ, task, names)
    for name, raw in flags.items():
        if raw is not None:
            values[name] = Value(raw, flag_of(name), is_text=True, folder=folder)
    values = _drop_contradicted(values)
    checked = {name: check_value(options_type, name, value) for name, value in values.items()}
    try:
        options = options_type(**checked)
    except (ValueError, msgspec.ValidationError) as error:
        raise UsageError(str(error), hint=f"envkit run {task} --help") from error
    sources = {name: values[name].source if name in values else "default" for name in names}
    return options, sources


def flag_of(name: str) -> str:
    """Return the flag of an option: ``--learning-rate`` for ``learning_rate``."""
    return "--" + name.replace("_", "-")


def _drop_contradicted(values: dict[str, Value]) -> dict[str, Value]:
    # A flag --data beside a file's train (or the other way round) replaces it, as any flag does a file's
    # value; only two of equal standing contradict each other, and then the options' own check says so.
    kept = dict(values)
    for one, others in _EXCLUSIVE:
        sides = [[name for name in side if name in kept] for side in (one, others)]
        if all(sides):
            strengths = [max(map(_strength, (kept[name] for name in side))) for side in sides]
            for side, strength in zip(sides, strengths, strict=True):
                if strength < max(strengths):
                    kept = {name: value for name, value in kept.items() if name not in side}
    return kept


def _strength(value: Value) -> int:
    """Return how strong a source is: a file, a variable, a flag."""
    return 2 if value.source.startswith("--") else 1 if value.source.startswith("ENVKIT_") else 0


def _read_toml(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file}: {error}", hint="Mend the file; it has to be TOML in UTF-8") from error
    except OSError as error:
        raise ConfigError(f"{file}: {error.strerror}", hint="Mend the file's permissions") from error


def _layer(file: Path, content: Any) -> Layer:
    if not isinstance(content, dict):
        raise ConfigError(f"{file}: tool.envkit has to be a table")
    tables = {key: value for key, value in content.items() if isinstance(value, dict)}
    return Layer(file, {key: value for key, value in content.items() if key not in tables}, tables)


def _named(table: Mapping[str, Any], names: Iterable[str], *, where: str) -> dict[str, Any]:
    """Return a table by field names. Raises: ConfigError for an unknown name, or one written in two ways."""
    found: dict[str, Any] = {}
    for key, raw in table.items():
        name = _known(key, names, where=where)
        if name in found:
            raise ConfigError(
                f"{where}: {option_key(name)} stands there twice, once as {name}", hint="Take one of them out"
            )
        found[name] = raw
    return found


def _known(key: str, names: Iterable[str], *, where: str) -> str:
    name = key.replace("-", "_")
    names = tuple(names)
    if name in names:
        return name
    near = difflib.get_close_matches(name, names, n=1)
    if name in Settings.__struct_fields__:
        hint = f"{option_key(name)} is a setting of envkit's own: write it above all tables, or as ENVKIT_{_variable(name)}"
    elif near:
        hint = f"Did you mean {option_key(near[0])!r}?"
    elif names == Settings.__struct_fields__:
        hint = f"Known here: {', '.join(map(option_key, names))}. A task's options stand in its table, such as [ner]"
    else:
        hint = f"Known: {', '.join(map(option_key, names))}."
    raise ConfigError(f"{where}: there is no option {key!r}", hint=hint)


def _variable(name: str) -> str:
    return name.upper().replace("-", "_")


def _refuse_misspelt_variable(environ: Mapping[str, str], task: str, names: Iterable[str]) -> None:
    """Refuse a variable that is nearly one of this task's or of envkit's: it would be a silent loss."""
    settings = [f"ENVKIT_{_variable(name)}" for name in Settings.__struct_fields__]
    known = [*settings, *(f"ENVKIT_{_variable(task)}_{_variable(name)}" for name in names)]
    for variable in environ:
        if not variable.startswith("ENVKIT_") or variable in known or variable in _OTHER_VARIABLES:
            continue
        for near in difflib.get_close_matches(variable, known, n=1, cutoff=0.85):
            from envkit.registry import (
                find_tasks,  # only for a suspicious variable: it scans what is installed
            )

            if not any(variable.startswith(f"ENVKIT_{_variable(other)}_") for other in find_tasks()):
                raise ConfigError(f"there is no variable {variable}", hint=f"Did you mean {near}?")


def _refuse_near_miss(layer: Layer, task: str) -> None:
    # Tables of tasks that are not installed here are somebody else's; a misspelt one is a silent loss.
    if task in layer.tables:
        return
    for table in difflib.get_close_matches(task, layer.tables, n=1, cutoff=0.6):
        from envkit.registry import find_tasks  # only for a suspicious table: it scans what is installed

        if table not in find_tasks():
            raise ConfigError(f"{layer.file}: there is no task {table!r}", hint=f"Did you mean [{task}]?")
