"""A value as a source states it, before it is checked: in a file, a variable or a flag."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from envkit.api import ConfigError
from envkit.config.lines import located
from envkit.config.names import find_name
from envkit.option_values import Value, check_value, option_key

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from envkit.config_files import Layer


@dataclass(frozen=True)
class Stated:
    """A value, the field it is for and, if it is from a file, the keys that lead to it."""

    name: str
    value: Value
    file: Path | None = None
    keys: tuple[str, ...] = ()


def stated_in(layer: Layer, names: Sequence[str], *, table: str | None = None) -> Iterator[Stated]:
    """Yield what a file states of these fields, in one of its tables or above them all.

    Raises: ConfigError, with file and line, for an unknown key, or one written in two ways.
    """
    content = layer.settings if table is None else layer.tables.get(table, {})
    seen: set[str] = set()
    for key, raw in content.items():
        stated = state(layer, key, raw, names=names, table=table)
        if stated.name in seen:
            raise ConfigError(
                f"{located(layer.file, stated.keys)}: {option_key(stated.name)} stands there twice, "
                f"once as {stated.name}",
                hint="Take one of them out",
            )
        seen.add(stated.name)
        yield stated


def state(layer: Layer, key: str, raw: Any, *, names: Sequence[str], table: str | None) -> Stated:
    """Return what a file states under this key. Raises: ConfigError, with file and line, for an unknown key."""
    keys = (*layer.root, *([] if table is None else [table]), key)
    try:
        name = find_name(key, names, where="", root=layer.root)
    except ConfigError:  # only now is the line worth its time
        where = located(layer.file, keys) + ("" if table is None else f": [{table}]")
        name = find_name(key, names, where=where, root=layer.root)
    return Stated(name, Value(raw, str(layer.file), folder=layer.file.parent), layer.file, keys)


def check_stated(type_: type[Any], stated: Stated) -> Any:
    """Return the value as its field's type has it. Raises: ConfigError, with file and line or variable."""
    try:
        return check_value(type_, stated.name, stated.value)
    except ConfigError:
        if stated.file is None:
            raise
        source = located(stated.file, stated.keys)
        return check_value(type_, stated.name, replace(stated.value, source=source))


def place_of(stated: Stated) -> str:
    """Return where a value stands: ``FILE:LINE``, or its variable or flag."""
    return stated.value.source if stated.file is None else located(stated.file, stated.keys)
