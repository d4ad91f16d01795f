"""Which plugin is meant where several claim a name: the table ``[plugins.prefer]``, checked and shown."""

from __future__ import annotations

import difflib
import re
from typing import TYPE_CHECKING

from envkit.api import ConfigError, EnvkitError, UsageError
from envkit.config.lines import line_of
from envkit.config.plugins_table import refuse_wrong_table
from envkit.config.shown import Origin, ShownValue
from envkit.config_files import PREFER_PATH
from envkit.registry import find_entries
from envkit.registry.metadata import canonical
from envkit.registry.preference import PREFER_VARIABLE, preferences_of_variable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from envkit.config_files import Layer

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")


def check_claimed(name: str) -> None:
    """Refuse a name that is nearly a task's, or none at all. Raises: UsageError with the nearest."""
    tasks = sorted({entry.name for entry in find_entries() if entry.kind == "task"})
    near = difflib.get_close_matches(name, tasks, n=1, cutoff=0.75)
    if name not in tasks and (near or not _NAME.fullmatch(name)):
        hint = f"Did you mean {'.'.join((*PREFER_PATH, near[0]))}?" if near else f"Tasks: {', '.join(tasks)}"
        raise UsageError(f"no plugin claims the name {name!r}", hint=hint)


def check_preference(name: str, plugin: str, *, source: str) -> str:
    """Return the distribution that is to have this name. Raises: ConfigError where it cannot."""
    entries = find_entries()
    claims = [entry for entry in entries if entry.kind == "task" and entry.name == name]
    # Backends and templates have their names in code: of those only the distribution can be looked up.
    able = claims or [entry for entry in entries if entry.kind == "extension"]
    if not any(canonical(entry.plugin) == canonical(plugin) for entry in able):
        known = sorted({entry.plugin for entry in able})
        what = f"the task {name!r}" if claims else "an extension"
        near = difflib.get_close_matches(plugin, known, n=1)
        raise ConfigError(
            f"{source}: no distribution {plugin!r} with {what} is installed",
            hint=f"Did you mean {near[0]!r}?" if near else f"Those that are: {', '.join(known)}",
        )
    return plugin


def show_preferences(
    layers: Sequence[Layer], *, environ: Mapping[str, str], note: Callable[[EnvkitError], None]
) -> tuple[ShownValue, ...]:
    """Return what is preferred, with its places; what is wrong goes to ``note``."""
    origins: dict[str, list[Origin]] = {}
    for layer in layers:
        try:
            refuse_wrong_table(layer)
        except ConfigError as error:
            note(error)
        for name, plugin in layer.table(PREFER_PATH).items():
            line = line_of(layer.file, (*layer.root, *PREFER_PATH, name))
            origins.setdefault(name, []).insert(
                0, Origin(value=str(plugin), source=str(layer.file), line=line)
            )
    for name, plugin in preferences_of_variable(environ).items():
        origins.setdefault(name, []).insert(0, Origin(value=plugin, source=PREFER_VARIABLE))
    return tuple(
        ShownValue(
            key=".".join((*PREFER_PATH, name)),
            value=found[0].value,
            source=found[0].source,
            line=found[0].line,
            overridden=tuple(found[1:]),
        )
        for name, found in sorted(origins.items())
    )
