"""Names in files and variables: which are known, and what one that is not was meant to be."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

from envkit.api import ConfigError
from envkit.config.lines import located
from envkit.config.records import MIRROR_NAMES, PLAIN_NAMES, Settings
from envkit.config_files import PLUGINS_TABLE
from envkit.mirrors import MIRRORS_TABLE
from envkit.option_values import option_key

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from envkit.config_files import Layer

# Variables of envkit's that are no settings.
OTHER_VARIABLES = (
    "ENVKIT_TRACEBACK",
    "ENVKIT_TEST_DATA",
    "ENVKIT_REQUIRE",
    "ENVKIT_DISABLE_PLUGINS",
    "ENVKIT_PREFER_PLUGINS",
)


def find_name(key: str, names: Sequence[str], *, where: str, root: Sequence[str] = ()) -> str:
    """Return the field that a key names. Raises: ConfigError with the nearest; ``root`` is where envkit's tables begin."""
    name = key.replace("-", "_")
    if name in names:
        return name
    raise ConfigError(f"{where}: there is no option {key!r}", hint=_hint(name, names, root=root))


def _hint(name: str, names: Sequence[str], *, root: Sequence[str]) -> str:
    mirrors = f"[{'.'.join((*root, MIRRORS_TABLE))}]"
    if name in MIRROR_NAMES:
        key = option_key(name)
        return (
            f"{key} stands in the table {mirrors}: write it there, or: "
            f"envkit config set {MIRRORS_TABLE}.{key} VALUE"
        )
    if name == MIRRORS_TABLE:
        return f"{MIRRORS_TABLE} is a table: write {mirrors} and below it {', '.join(map(option_key, MIRROR_NAMES))}"
    if name in PLAIN_NAMES:
        return (
            f"{option_key(name)} is a setting of envkit's own: write it above all tables, "
            f"or as {variable_of(name)}"
        )
    near = difflib.get_close_matches(name, names, n=1)
    if near:
        return f"Did you mean {option_key(near[0])!r}?"
    if tuple(names) == PLAIN_NAMES:
        elsewhere = difflib.get_close_matches(name, MIRROR_NAMES, n=1)
        if elsewhere:
            return f"Did you mean {option_key(elsewhere[0])!r}? It stands in the table {mirrors}"
        known = ", ".join(map(option_key, names))
        return f"Known here: {known}, and the table {mirrors}. A task's options stand in its table, such as [ner]"
    return f"Known: {', '.join(map(option_key, names))}"


def variable_of(*names: str) -> str:
    """Return the variable of a setting, or of a task's option: ``ENVKIT_NER_EPOCHS``."""
    return "_".join(("ENVKIT", *(name.upper().replace("-", "_") for name in names)))


def refuse_misspelt_variable(environ: Mapping[str, str], task: str, names: Iterable[str]) -> None:
    """Refuse a variable that is nearly one of this task's or of envkit's: it would be a silent loss.

    Raises: ConfigError with the nearest.
    """
    settings = [variable_of(name) for name in Settings.__struct_fields__]
    known = [*settings, *(variable_of(task, name) for name in names)]
    for variable in environ:
        if not variable.startswith("ENVKIT_") or variable in known or variable in OTHER_VARIABLES:
            continue
        for near in difflib.get_close_matches(variable, known, n=1, cutoff=0.85):
            if not any(variable.startswith(f"{variable_of(other)}_") for other in _tasks()):
                raise ConfigError(f"there is no variable {variable}", hint=f"Did you mean {near}?")


def refuse_misspelt_table(layer: Layer, name: str, *, cutoff: float = 0.6) -> None:
    """Refuse a table that is nearly the one of this name, if that is not there. Raises: ConfigError."""
    # Tables of tasks that are not installed here are somebody else's; a misspelt one is a silent loss.
    if name in layer.tables:
        return
    for table in difflib.get_close_matches(name, layer.tables, n=1, cutoff=cutoff):
        if table not in (MIRRORS_TABLE, PLUGINS_TABLE) and table not in _tasks():
            what = "table" if name in (MIRRORS_TABLE, PLUGINS_TABLE) else "task"
            meant = ".".join((*layer.root, name))
            where = located(layer.file, (*layer.root, table))
            raise ConfigError(f"{where}: there is no {what} {table!r}", hint=f"Did you mean [{meant}]?")


def _tasks() -> Iterable[str]:
    from envkit.registry import find_tasks  # only for what is suspicious: it scans what is installed

    return find_tasks()
