"""Keys as they are typed after ``envkit config set``: ``env``, ``mirrors.torch-index``, ``ner.epochs``."""

from __future__ import annotations

import difflib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from envkit.api import ConfigError, UsageError
from envkit.api.options import to_builtins
from envkit.config.names import find_name, variable_of
from envkit.config.preferences import check_claimed, check_preference
from envkit.config.records import MIRROR_NAMES, PLAIN_NAMES
from envkit.config.settings import check_setting
from envkit.config.stated import Stated, check_stated
from envkit.config_files import PLUGINS_TABLE, PREFER_PATH
from envkit.mirrors import MIRRORS_TABLE
from envkit.option_values import Value, option_key
from envkit.registry import find_tasks, load_task
from envkit.registry.preference import PREFER_VARIABLE, preferences_of_variable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from envkit.api.options import Options
    from envkit.config_files import Layer


@dataclass(frozen=True, kw_only=True)
class Key:
    """A key with its table, None above all tables; ``options`` is the type of the task whose table it is.

    A table in a table is written as in TOML: ``plugins.prefer``.
    """

    table: str | None
    key: str
    options: type[Options] | None = None

    def __str__(self) -> str:
        """Return the key as it is typed."""
        return self.key if self.table is None else f"{self.table}.{self.key}"

    @property
    def name(self) -> str:
        """Return the field that it stands for."""
        return self.key.replace("-", "_")

    @property
    def path(self) -> tuple[str, ...]:
        """Return the tables that lead to it."""
        return () if self.table is None else tuple(self.table.split("."))

    @property
    def is_preference(self) -> bool:
        """Tell whether it says which plugin is meant where several claim a name."""
        return self.path == PREFER_PATH

    @property
    def variable(self) -> str:
        """Return the variable that says the same."""
        if self.is_preference:
            return PREFER_VARIABLE
        is_task = self.table not in (None, MIRRORS_TABLE)
        return variable_of(self.table or "", self.key) if is_task else variable_of(self.key)

    def stated_by(self, environ: Mapping[str, str]) -> str | None:
        """Return the variable, None where it does not say it."""
        if self.is_preference and self.key not in preferences_of_variable(environ):
            return None
        return self.variable if environ.get(self.variable) else None

    def written_in(self, layer: Layer) -> str | None:
        """Return the key as this file writes it, None where it does not."""
        return next(iter(self.spellings_in(layer)), None)

    def spellings_in(self, layer: Layer) -> list[str]:
        """Return each way in which this file writes the key: more than one is a mistake of the file."""
        return [key for key in layer.table(self.path) if key.replace("-", "_") == self.name]


def split_key(text: str) -> Key:
    """Return the table and the key that were typed, known or not. Raises: UsageError for another form."""
    table, dot, key = text.rpartition(".")
    is_nested = "." in table and tuple(table.split(".")) != PREFER_PATH
    if not key or (dot and not table) or is_nested or text == ".".join(PREFER_PATH):
        raise UsageError(
            f"{text!r} is no key of the configuration",
            hint="A key is a setting (env), mirrors.KEY, plugins.prefer.NAME, or TASK.OPTION (ner.epochs)",
        )
    return Key(table=table or None, key=key)


def find_key(text: str) -> Key:
    """Return the known key that was typed. Raises: UsageError with the nearest, PluginError for a broken task."""
    typed = split_key(text)
    if typed.table is None:
        return Key(table=None, key=option_key(find_name(typed.key, PLAIN_NAMES, where="config")))
    if typed.table == MIRRORS_TABLE:
        name = find_name(typed.key, MIRROR_NAMES, where=MIRRORS_TABLE)
        return Key(table=MIRRORS_TABLE, key=option_key(name))
    if typed.is_preference:
        check_claimed(typed.key)
        return typed
    if typed.table == PLUGINS_TABLE:
        raise UsageError(
            f"{text!r} is no key of the configuration", hint=f"Did you mean plugins.prefer.{typed.key}?"
        )
    tasks = [MIRRORS_TABLE, *find_tasks()]
    if typed.table not in tasks:
        near = difflib.get_close_matches(typed.table, tasks, n=1)
        hint = f"Did you mean {near[0]}.{typed.key}?" if near else f"Tables here: {', '.join(tasks)}"
        raise UsageError(f"there is no task or table {typed.table!r}", hint=hint)
    options = load_task(typed.table).task.options
    name = find_name(typed.key, options.__struct_fields__, where=typed.table)
    return Key(table=typed.table, key=option_key(name), options=options)


def read_value(key: Key, text: str, *, file: Path, folder: Path) -> Any:
    """Return the value that the file is to hold, checked. Raises: ConfigError for one that does not fit.

    A relative path begins in ``folder``; it is written so that it leads to the same place from the file.
    """
    if not text.strip():
        raise ConfigError(f"{key}: the value is empty", hint=f"To take it out: envkit config unset {key}")
    if key.is_preference:
        return check_preference(key.key, text.strip(), source=str(key))
    stated = Stated(key.name, Value(text, str(key), is_text=True, folder=folder))
    checked = check_setting(stated) if key.options is None else check_stated(key.options, stated)
    if checked is None:
        raise ConfigError(f"{key}: a file cannot say {text!r}", hint=f"envkit config unset {key}")
    if isinstance(checked, Path):
        return _path_text(text, checked, file=file)
    if isinstance(checked, tuple):
        return list(checked)
    return to_builtins(checked)


def _path_text(text: str, checked: Path, *, file: Path) -> str:
    if text.startswith(("~", "/")) or text == "-":
        return text
    near = file.parent.absolute()
    # Below the file's folder the path stays relative, so that the folder can move.
    return os.path.relpath(checked, near) if checked.is_relative_to(near) else str(checked)
