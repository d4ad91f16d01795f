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
from envkit.api.options import Options, from_builtins

if typing.TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

OptionsT = TypeVar("OptionsT", bound=Options)


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """What envkit itself can be told: in files, or as ``ENVKIT_<NAME>``.

    ``home`` holds the environments; ``torch_index`` is the address whose folders ``cpu``, ``cu126``, …
    hold torch's wheels; ``env`` is the default of ``--env``.
    """

    home: Path = Path()
    torch_index: str = "https://download.pytorch.org/whl"
    env: str = "auto"


@dataclass(frozen=True)
class Value:
    """A value before it is checked: where it came from, and whether it is text to be read as its type."""

    raw: Any
    source: str
    is_text: bool = False
    folder: Path | None = None


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
        for key, raw in layer.settings.items():
            name = _known(key, names, where=str(layer.file))
            values[name] = Value(raw, f"{name} in {layer.file}", folder=layer.file.parent)
    for name in names:
        variable = f"ENVKIT_{name.upper()}"
        if environ.get(variable):
            values[name] = Value(environ[variable], variable, is_text=True)
    checked = {name: _check(Settings, name, value) for name, value in values.items()}
    checked.setdefault("home", Path(platformdirs.user_data_dir("envkit")))
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
        for key, raw in layer.tables.get(task, {}).items():
            name = _known(key, names, where=f"[{task}] in {layer.file}")
            values[name] = Value(raw, f"{layer.file.name} ({layer.file})", folder=layer.file.parent)
    prefix = f"ENVKIT_{task.upper().replace('-', '_')}_"
    for variable in sorted(environ):
        if variable.startswith(prefix) and environ[variable]:
            name = _known(variable[len(prefix) :].lower(), names, where=f"the variable {variable}")
            values[name] = Value(environ[variable], variable, is_text=True, folder=folder)
    for name, raw in flags.items():
        if raw is not None:
            values[name] = Value(raw, flag_of(name), is_text=True, folder=folder)
    values = _drop_contradicted(values)
    checked = {name: _check(options_type, name, value) for name, value in values.items()}
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
    given = [name for name in ("train", "dev", "test", "data") if name in values and _is_flag(values[name])]
    if given == ["data"]:
        return {n: v for n, v in values.items() if n not in ("train", "dev", "test") or _is_flag(v)}
    if given and "data" not in given:
        return {n: v for n, v in values.items() if n != "data"}
    return values


def _is_flag(value: Value) -> bool:
    return value.source.startswith("--")


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


def _known(key: str, names: Iterable[str], *, where: str) -> str:
    name = key.replace("-", "_")
    names = tuple(names)
    if name in names:
        return name
    near = difflib.get_close_matches(name, names, n=1)
    hint = f"Did you mean {near[0]!r}?" if near else f"Known: {', '.join(names)}."
    raise ConfigError(f"{where}: there is no option {key!r}", hint=hint)


def _refuse_near_miss(layer: Layer, task: str) -> None:
    # Tables of tasks that are not installed here are somebody else's; a misspelt one is a silent loss.
    if task in layer.tables:
        return
    for table in difflib.get_close_matches(task, layer.tables, n=1, cutoff=0.6):
        from envkit.registry import find_tasks  # only for a suspicious table: it scans what is installed

        if table not in find_tasks():
            raise ConfigError(f"{layer.file}: there is no task {table!r}", hint=f"Did you mean [{task}]?")


def _check(type_: type[Any], name: str, value: Value) -> Any:
    hint_type = typing.get_type_hints(type_, include_extras=True)[name]
    try:
        checked = from_builtins(value.raw, hint_type, strict=not value.is_text)
    except msgspec.ValidationError as error:
        raise ConfigError(
            f"{value.source}: {value.raw!r} does not fit: {_wanted(error)}", hint=_help_of(type_, name)
        ) from error
    if isinstance(checked, Path):
        return ((value.folder or Path.cwd()) / checked.expanduser()).absolute()
    return checked


def _wanted(error: msgspec.ValidationError) -> str:
    """Return msgspec's words without its marks, place and pattern: the hint says what a pattern means."""
    text = str(error).replace("`", "").split(" - at ")[0]
    text = text.split(", got ")[0].split(" matching regex")[0]
    return text[0].lower() + text[1:]


def _help_of(type_: type[Any], name: str) -> str | None:
    schema = msgspec.json.schema(type_, schema_hook=lambda _: {"type": "string"})
    field = schema["$defs"][type_.__name__]["properties"][name]
    text = field.get("description") or next(
        (kind["description"] for kind in field.get("anyOf", ()) if "description" in kind), None
    )
    return f"{name}: {text}" if text else None
