"""Plugins that a test adds by hand: this process then knows no other, whatever is installed."""

from __future__ import annotations

import contextlib
import itertools
import sys
from dataclasses import dataclass, field
from importlib.metadata import Distribution
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, Literal
from unittest.mock import patch

from envkit.registry import (
    EXTENSION_HOOKS,
    EXTENSIONS_GROUP,
    TASK_HOOKS,
    TASKS_GROUP,
    LoadedTask,
    entries,
    find_tasks,
    load_extensions,
    load_task,
    preference,
)
from envkit.testing.tester_settings import WHICH_PLUGINS, without_variables

if TYPE_CHECKING:
    from collections.abc import Iterator

    from envkit.api import Check, EnvironmentBackend, ImageTemplate

Kind = Literal["task", "extension"]
_GROUPS: dict[Kind, str] = {"task": TASKS_GROUP, "extension": EXTENSIONS_GROUP}
_HOOKS: dict[Kind, tuple[str, ...]] = {"task": TASK_HOOKS, "extension": EXTENSION_HOOKS}
_numbers = itertools.count()  # of the names under which what is no module is imported


@dataclass(frozen=True, kw_only=True)
class _AddedDistribution(Distribution):
    """A distribution that is installed nowhere: its metadata are texts."""

    texts: dict[str, str]

    def read_text(self, filename: str) -> str | None:
        """Return one of the texts, None where there is no such."""
        return self.texts.get(filename)

    def locate_file(self, path: Any) -> Path:
        """Return where a file would be, if there were one."""
        return Path(str(path))


@dataclass
class AddedPlugins:
    """The plugins that were added, and what envkit makes of them; names as in ``envkit run NAME``."""

    _distributions: list[Distribution] = field(default_factory=list)
    _aliases: list[str] = field(default_factory=list)

    def add(
        self,
        plugin: object,
        *,
        name: str,
        distribution: str | None = None,
        version: str = "0.1.0",
        kind: Kind | None = None,
        metadata: str = "",
    ) -> None:
        """Let envkit find this module, or any object whose attributes are hooks, as if it were installed.

        ``distribution`` is ``envkit-NAME`` unless given; ``kind`` is told by its hooks; ``metadata`` are further lines
        of its METADATA file, such as ``Project-URL: Issues, https://…``. Nothing is loaded or checked yet.
        Raises: ValueError for what has no hook, where ``kind`` is not given.
        """
        module = self._importable(plugin)
        kinds = [kind] if kind is not None else _kinds_of(plugin)
        if not kinds:
            raise ValueError(
                f"{plugin!r} has no hook of envkit ({', '.join(TASK_HOOKS + EXTENSION_HOOKS)}); "
                "give kind='task' or kind='extension' to add it as it is"
            )
        headers = f"Metadata-Version: 2.4\nName: {distribution or f'envkit-{name}'}\nVersion: {version}\n"
        lines = "".join(f"[{_GROUPS[each]}]\n{name} = {module}\n" for each in kinds)
        texts = {"METADATA": f"{headers}{metadata.strip()}\n", "entry_points.txt": lines}
        self._distributions.append(_AddedDistribution(texts=texts))

    def tasks(self) -> tuple[str, ...]:
        """Return the names of the tasks that were added and can be asked for, sorted."""
        return tuple(find_tasks())

    def load(self, name: str) -> LoadedTask:
        """Import and check a task that was added, as every command does. Raises: UsageError, PluginError."""
        return load_task(name)

    def checks(self) -> list[Check]:
        """Return the checks for the doctor that extensions hand in. Raises: PluginError for a broken one."""
        return self._given("checks")

    def backends(self) -> list[EnvironmentBackend]:
        """Return the backends that extensions hand in. Raises: PluginError for a broken one."""
        return self._given("backends")

    def templates(self) -> list[ImageTemplate]:
        """Return the templates that extensions hand in. Raises: PluginError for a broken one."""
        return self._given("templates")

    def installed(self, **asked: Any) -> Iterator[Distribution]:
        """Yield the distributions that were added, as importlib.metadata yields those that are installed."""
        wanted = asked.get("name")
        return (each for each in self._distributions if wanted is None or each.metadata["Name"] == wanted)

    def forget(self) -> None:
        """Take away all that was added."""
        self._distributions.clear()
        for alias in self._aliases:
            sys.modules.pop(alias, None)
        self._aliases.clear()

    def _given(self, what: str) -> list[Any]:
        found: list[Any] = []
        for extension in load_extensions():
            if extension.fault is not None:
                raise extension.fault
            found += getattr(extension, what)()
        return found

    def _importable(self, plugin: object) -> str:
        """Return a name under which it can be imported."""
        if isinstance(plugin, ModuleType) and sys.modules.get(plugin.__name__) is plugin:
            return plugin.__name__
        alias = f"envkit_added_plugin_{next(_numbers)}"
        sys.modules[alias] = plugin if isinstance(plugin, ModuleType) else _as_module(plugin, alias)
        self._aliases.append(alias)
        return alias


@contextlib.contextmanager
def only_added_plugins() -> Iterator[AddedPlugins]:
    """Let this process find the plugins that are added to what is yielded, and none that is installed.

    What the tester disables or prefers, by variables or configuration files, does not count; what the test itself sets
    in variables does. Processes that it starts (a worker, ``envkit doctor``'s plugin process) find what is installed,
    as ever.
    """
    added = AddedPlugins()
    # Both are the registry's ways out: to importlib.metadata, which has no way to hide what is installed, and to the
    # user's files. To hand others in from every caller would take an argument in each function of the registry.
    with (
        without_variables(*WHICH_PLUGINS),
        patch.object(entries, "distributions", added.installed),
        patch.object(preference, "read_preferences", dict),
    ):
        try:
            yield added
        finally:
            added.forget()


def _kinds_of(plugin: object) -> list[Kind]:
    return [kind for kind, hooks in _HOOKS.items() if any(hasattr(plugin, hook) for hook in hooks)]


def _as_module(plugin: object, name: str) -> ModuleType:
    """Return a module of what an object has: hooks are looked for in modules."""
    module = ModuleType(name, type(plugin).__doc__)
    for each in dir(plugin):
        if not each.startswith("_"):
            setattr(module, each, getattr(plugin, each))
    return module
