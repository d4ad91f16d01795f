"""One part of the configuration, or one value, as it is asked for by name."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

import msgspec

from envkit.api import UsageError
from envkit.config.keys import find_key
from envkit.config.records import PLAIN_NAMES
from envkit.config_files import PLUGINS_TABLE
from envkit.mirrors import MIRRORS_TABLE
from envkit.option_values import option_key
from envkit.registry import find_tasks

if TYPE_CHECKING:
    from envkit.config.shown import Overview, ShownValue

_OWN_TABLES = (MIRRORS_TABLE, PLUGINS_TABLE)


def task_of(asked: str | None) -> str | None:
    """Return the task that a part belongs to, None for the parts that are envkit's own.

    Raises: UsageError with the nearest for what is no part, ConfigError for an option that is none.
    """
    if asked is None or asked in _OWN_TABLES:
        return None
    if "." in asked:
        key = find_key(asked)
        return key.table if key.options is not None else None
    tasks, settings = list(find_tasks()), list(map(option_key, PLAIN_NAMES))
    if asked in tasks:
        return asked
    if option_key(asked) in settings:
        return None
    near = difflib.get_close_matches(asked, [*tasks, *settings, *_OWN_TABLES], n=1)
    known = f"Known: {', '.join([*settings, *_OWN_TABLES, *tasks])}"
    raise UsageError(
        f"there is no setting, table or task {asked!r}", hint=f"Did you mean {near[0]!r}?" if near else known
    )


def part_of(overview: Overview, asked: str | None) -> Overview:
    """Return what was asked for of the configuration: a task with all that is envkit's own, or just a part."""
    if asked is None or task_of(asked) == asked:
        return overview
    if asked == MIRRORS_TABLE:
        return msgspec.structs.replace(overview, settings=(), tasks=(), plugins=())
    if asked == PLUGINS_TABLE:
        return msgspec.structs.replace(overview, settings=(), mirrors=(), tasks=())
    key = str(find_key(asked))
    tasks = (
        msgspec.structs.replace(each, values=_of_key(each.values, key))
        for each in overview.tasks
        if each.task == task_of(asked)
    )
    return msgspec.structs.replace(
        overview,
        settings=_of_key(overview.settings, key),
        mirrors=_of_key(overview.mirrors, key),
        tasks=tuple(tasks),
        plugins=_of_key(overview.plugins, key),
    )


def _of_key(values: tuple[ShownValue, ...], key: str) -> tuple[ShownValue, ...]:
    return tuple(value for value in values if value.key == key)
