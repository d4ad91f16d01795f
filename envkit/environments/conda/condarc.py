"""Read conda's own configuration: every ``.condarc`` there is, and the variables that stand for it.

Source: conda's documentation, "Using the .condarc conda configuration file", for the places and their order.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from envkit.api import ConfigError
from envkit.masking import mask_address, mask_secrets

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

_PRIORITIES = {"true": "flexible", "false": "disabled"}
_VARIABLE = re.compile(r"\$(?:\{(\w+)\}|(\w+))")
_NAMES = (".condarc", "condarc", "condarc.d")


@dataclass(frozen=True, kw_only=True)
class Condarc:
    """What conda is told, as far as it concerns channels and the network.

    ``ssl_verify`` is True, False, ``truststore`` or the path of certificates; ``files`` are those that were
    read, the strongest first.
    """

    channels: tuple[str, ...] = ()
    default_channels: tuple[str, ...] = ()
    channel_alias: str | None = None
    custom_channels: Mapping[str, str] = field(default_factory=dict)
    custom_multichannels: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    mirrored_channels: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    channel_priority: str = "flexible"
    ssl_verify: bool | str = True
    proxy_servers: Mapping[str, str] = field(default_factory=dict)
    offline: bool = False
    pkgs_dirs: tuple[str, ...] = ()
    files: tuple[Path, ...] = ()


def read_condarc(environ: Mapping[str, str], *, root: Path = Path("/")) -> Condarc:
    """Return conda's configuration; what conda knows and this does not is passed over.

    ``root`` is where the file system begins. Raises: ConfigError, with file and line, for what cannot be read.
    """
    merged: dict[str, Any] = {}
    files = []
    for file in _strongest_first(environ, root):
        values = _read_file(file, environ)
        if values is None:
            continue
        files.append(file)
        _merge(merged, values)
    stated = _from_variables(environ)
    for name in stated.keys() & _LISTS:
        stated[name] = tuple(dict.fromkeys((*stated[name], *merged.get(name, ()))))
    return Condarc(**{**merged, **stated}, files=tuple(files))


def _strongest_first(environ: Mapping[str, str], root: Path) -> Iterator[Path]:
    """Yield the files that are there."""
    home = Path(environ["HOME"]) if environ.get("HOME") else None
    places: list[Path] = [root / "etc/conda", root / "var/lib/conda"]
    if base := _conda_root(environ):
        places.append(base)
    if environ.get("XDG_CONFIG_HOME"):
        places.append(Path(environ["XDG_CONFIG_HOME"], "conda"))
    if home is not None:
        places += [home / ".config/conda", home / ".conda", home]
    if environ.get("CONDA_PREFIX"):
        places.append(Path(environ["CONDA_PREFIX"]))
    if environ.get("CONDARC"):
        places.append(Path(environ["CONDARC"]))
    seen: set[Path] = set()
    for place in reversed(places):
        # In the home folder itself there is one file only.
        names = _NAMES[:1] if place == home else _NAMES
        candidates = [place] if place.is_file() else [place / name for name in reversed(names)]
        for candidate in candidates:
            inside = sorted((*candidate.glob("*.yml"), *candidate.glob("*.yaml")), reverse=True)
            for file in inside if candidate.is_dir() else [candidate]:
                if file.is_file() and file not in seen:
                    seen.add(file)
                    yield file


def _conda_root(environ: Mapping[str, str]) -> Path | None:
    if environ.get("CONDA_ROOT"):
        return Path(environ["CONDA_ROOT"])
    if environ.get("CONDA_EXE"):
        return Path(environ["CONDA_EXE"]).parent.parent
    return Path(environ["MAMBA_ROOT_PREFIX"]) if environ.get("MAMBA_ROOT_PREFIX") else None


def _read_file(file: Path, environ: Mapping[str, str]) -> dict[str, Any] | None:
    import yaml

    try:
        text = file.read_text(encoding="utf-8")
    except PermissionError:
        return None  # another user's, as conda takes it
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file}: cannot be read: {error}", hint=_hint(file)) from error
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        values = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError) as error:  # ValueError: a date that is none
        mark = getattr(error, "problem_mark", None)
        place = f"{file}:{mark.line + 1}" if mark else str(file)
        problem = getattr(error, "problem", None) or "a date or a number in it is none"
        raise ConfigError(f"{place}: this is no YAML: {problem}", hint=_hint(file)) from error
    if values is None or node is None:
        return {}
    if not isinstance(values, dict):
        raise ConfigError(f"{file}:1: a .condarc is a table of names and values", hint=_hint(file))
    lines = {key.value: key.start_mark.line + 1 for key, _ in node.value}
    read: dict[str, Any] = {}
    for given, value in values.items():
        name = _ALIASES.get(given, given)
        if name not in _READERS or value is None:
            continue
        try:
            read[name] = _READERS[name](_filled(value, environ))
        except _Wrong as wrong:
            # The value may hold passwords: only its place and its form are said.
            place, form = f"{file}:{lines.get(given, 1)}", _form(value)
            raise ConfigError(f"{place}: {given} has to be {wrong}, not {form}", hint=_hint(file)) from None
    return read


def _merge(merged: dict[str, Any], weaker: Mapping[str, Any]) -> None:
    for name, value in weaker.items():
        if name in _LISTS:
            merged[name] = tuple(dict.fromkeys((*merged.get(name, ()), *value)))
        elif isinstance(value, dict):
            merged[name] = {**value, **merged.get(name, {})}
        else:
            merged.setdefault(name, value)


def _from_variables(environ: Mapping[str, str]) -> dict[str, Any]:
    """Return what ``CONDA_<NAME>`` variables say; lists are written with commas."""
    stated: dict[str, Any] = {}
    for name, reader in _READERS.items():
        text = environ.get(f"CONDA_{name.upper()}")
        if not text or isinstance(reader, type):
            continue
        value: object = [part.strip() for part in text.split(",") if part.strip()] if name in _LISTS else text
        if reader in (_table, _table_of_lists):
            continue
        try:
            stated[name] = reader(value)
        except _Wrong as wrong:
            raise ConfigError(
                f"CONDA_{name.upper()} has to be {wrong}", hint="Unset it, or mend it"
            ) from None
    return stated


def _form(value: object) -> str:
    """Return in a word what kind of value this is."""
    forms: tuple[tuple[type | tuple[type, ...], str], ...] = (
        (bool, "yes or no"),
        ((int, float), "a number"),
        (str, "this text"),
        (list, "this list"),
        (dict, "this table"),
    )
    return next((form for types, form in forms if isinstance(value, types)), "what it is")


class _Wrong(Exception):
    """Say what a value has to be."""


def _texts(value: object) -> tuple[str, ...]:
    if isinstance(value, str):
        return (value,)
    if isinstance(value, list) and all(isinstance(each, str) for each in value):
        return tuple(value)
    raise _Wrong("a list of names")


def _places(value: object) -> tuple[str, ...]:
    return tuple(_place(each) for each in _texts(value))


def _place(value: object) -> str:
    """Return the name, path or address of a channel; with one letter amiss it may hold a password."""
    text = _text(value)
    if mask_address(text) != mask_secrets(text) or text.startswith("//"):
        raise _Wrong("a name or an address that begins with https://")
    return text


def _text(value: object) -> str:
    if isinstance(value, str):
        return value
    raise _Wrong("text")


def _truth(value: object) -> bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in _TRUTHS:
        return _TRUTHS[value.lower()]
    raise _Wrong("true or false")


def _truth_or_path(value: object) -> bool | str:
    if isinstance(value, str) and value.lower() not in _TRUTHS:
        return value
    return _truth(value)


def _priority(value: object) -> str:
    text = str(value).lower()
    text = _PRIORITIES.get(text, text)
    if text in ("strict", "flexible", "disabled"):
        return text
    raise _Wrong("strict, flexible or disabled")


def _table(value: object) -> dict[str, str]:
    if isinstance(value, dict) and all(isinstance(each, str) or each is None for each in value.values()):
        return {str(key): each for key, each in value.items() if each is not None}
    raise _Wrong("a table of names and addresses")


def _table_of_lists(value: object) -> dict[str, tuple[str, ...]]:
    if isinstance(value, dict):
        return {str(key): _places(each) for key, each in value.items()}
    raise _Wrong("a table of names and lists")


_TRUTHS = {
    "true": True,
    "yes": True,
    "on": True,
    "1": True,
    "false": False,
    "no": False,
    "off": False,
    "0": False,
}
_ALIASES = {"channel": "channels", "verify_ssl": "ssl_verify"}
_READERS: dict[str, Callable[[object], Any]] = {
    "channels": _places,
    "default_channels": _places,
    "channel_alias": _place,
    "custom_channels": _table,
    "custom_multichannels": _table_of_lists,
    "mirrored_channels": _table_of_lists,
    "channel_priority": _priority,
    "ssl_verify": _truth_or_path,
    "proxy_servers": _table,
    "offline": _truth,
    "pkgs_dirs": _texts,
}
_LISTS = {name for name, reader in _READERS.items() if reader in (_texts, _places)}


def _filled(value: object, environ: Mapping[str, str]) -> object:
    """Return the value with ``$NAME`` and ``${NAME}`` filled in, as conda does; unknown ones stay."""
    if isinstance(value, str):
        return _VARIABLE.sub(lambda found: environ.get(found[1] or found[2], found[0]), value)
    if isinstance(value, list):
        return [_filled(each, environ) for each in value]
    if isinstance(value, dict):
        return {key: _filled(each, environ) for key, each in value.items()}
    return value


def _hint(file: Path) -> str:
    return f"Mend {file}, or look elsewhere for conda's settings: CONDARC=FILE"
