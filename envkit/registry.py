"""Find, load and check plugins: the only caller of pluggy, on the host and in the worker.

Tasks are found by their entry points alone, so that listing them imports none; a plugin's module is
imported when its task is named.
"""

from __future__ import annotations

import difflib
import functools
import inspect
import re
import traceback
from dataclasses import dataclass
from importlib.metadata import Distribution, EntryPoint, distributions
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

import pluggy

from envkit.api import Corpus, PluginError, UsageError, hooks
from envkit.api.task import Request, Result, Run, Task

if TYPE_CHECKING:
    from collections.abc import Iterator

    from envkit.api import Predictor, PredictorRequest

TASKS_GROUP = "envkit.tasks"
EXTENSIONS_GROUP = "envkit.extensions"
_TASK_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")  # it becomes part of folders' and variables' names
_EntryT = TypeVar("_EntryT", bound="Entry")
_WORKER_HOOKS = ("envkit_read", "envkit_finetune")


@dataclass(frozen=True)
class Entry:
    """What an installed distribution says that it supplies, from its metadata alone.

    ``scope`` names what does not work where it is broken.
    """

    scope: ClassVar[str] = "what it supplies"
    name: str
    entry_point: EntryPoint
    distribution: Distribution

    @functools.cached_property  # each look parses all metadata
    def plugin(self) -> str:
        """Return the distribution's name."""
        return self.distribution.metadata["Name"]

    @functools.cached_property
    def version(self) -> str:
        """Return the distribution's version."""
        return self.distribution.version

    @property
    def summary(self) -> str:
        """Return the distribution's one-line summary."""
        return _field(self.distribution, "Summary")

    @property
    def requires_python(self) -> str:
        """Return the range of Pythons that the distribution runs on, empty for any."""
        return _field(self.distribution, "Requires-Python")

    @property
    def tracker(self) -> str | None:
        """Return the address where the author wants to hear of faults, if the metadata gives one."""
        wanted = ("issues", "bugtracker", "bugreports", "tracker")
        for line in self.distribution.metadata.get_all("Project-URL") or ():
            label, _, address = line.partition(",")
            if label.strip().lower().replace(" ", "").replace("-", "") in wanted:
                return str(address).strip()
        return None

    def __str__(self) -> str:
        """Return name and version, as errors name the plugin."""
        return f"{self.plugin} {self.version}"


@dataclass(frozen=True)
class TaskEntry(Entry):
    """A task that an installed distribution claims."""

    scope: ClassVar[str] = "its task"


@dataclass(frozen=True)
class ExtensionEntry(Entry):
    """A module of an installed distribution that extends envkit itself."""

    scope: ClassVar[str] = "its extension"


@dataclass(frozen=True)
class LoadedTask:
    """A task whose plugin has been imported and checked: typed ways to call its hooks."""

    entry: TaskEntry
    task: Task
    manager: pluggy.PluginManager

    def read(self, request: Request[Any]) -> Any:
        """Call the plugin's ``envkit_read``."""
        return self.manager.hook.envkit_read(request=request)

    def finetune(self, run: Run[Any, Any]) -> Result:
        """Call the plugin's ``envkit_finetune``. Raises: PluginError where it returns no Result."""
        result = self.manager.hook.envkit_finetune(run=run)
        if not isinstance(result, Result):
            raise PluginError(
                f"envkit_finetune of {self.entry} returned {type(result).__name__}, not a Result",
                hint=report_hint(self.entry),
            )
        return result

    def has(self, hook: str) -> bool:
        """Tell whether the plugin implements this hook, one that it may leave out."""
        return bool(getattr(self.manager.hook, hook).get_hookimpls())

    def corpus(self, request: Request[Any]) -> Corpus:
        """Call the plugin's ``envkit_corpus``. Raises: PluginError where it has none."""
        corpus: Corpus = self._optional("envkit_corpus", Corpus, request)
        return corpus

    def predictor(self, request: PredictorRequest[Any]) -> Predictor:
        """Call the plugin's ``envkit_predictor``. Raises: PluginError where it has none."""
        predictor: Predictor = self._optional("envkit_predictor", object, request)
        return predictor

    def _optional(self, hook: str, wanted: type[Any], request: Any) -> Any:
        if not self.has(hook):
            raise PluginError(
                f"the plugin {self.entry} does not implement {hook}", hint=report_hint(self.entry)
            )
        given = getattr(self.manager.hook, hook)(request=request)
        if not isinstance(given, wanted):
            raise PluginError(
                f"{hook} of {self.entry} returned {type(given).__name__}, not a {wanted.__name__}",
                hint=report_hint(self.entry),
            )
        return given


def find_tasks() -> dict[str, list[TaskEntry]]:
    """Return the claimed tasks by name, sorted; several entries under a name are a conflict."""
    found: dict[str, dict[str, TaskEntry]] = {}
    for entry in _find_entries(TASKS_GROUP, TaskEntry):
        # The first on sys.path shadows another copy of the same distribution.
        found.setdefault(entry.name, {}).setdefault(_canonical(entry.plugin), entry)
    return {name: list(found[name].values()) for name in sorted(found)}


def find_task(name: str) -> TaskEntry:
    """Return the one plugin that claims this task. Raises: UsageError, PluginError on a conflict."""
    tasks = find_tasks()
    if name not in tasks:
        near = difflib.get_close_matches(name.lower(), tasks, n=1)
        known = f"Tasks here: {', '.join(tasks)}." if tasks else "No task is installed."
        hint = f"Did you mean {near[0]!r}? {known}" if near else f"{known} Others come with their plugins"
        raise UsageError(f"there is no task {name!r}", hint=hint)
    entries = tasks[name]
    if not _TASK_NAME.fullmatch(name):
        raise PluginError(
            f"{entries[0]} has a task named {name!r}, expected letters, digits and dashes",
            hint=report_hint(entries[0]),
        )
    if len(entries) > 1:
        raise PluginError(
            f"the task {name!r} is claimed by {' and by '.join(map(str, entries))}",
            hint=f"Uninstall one: pip uninstall {entries[-1].plugin}",
        )
    return entries[0]


def load_task(name: str) -> LoadedTask:
    """Import and check the plugin of this task. Raises: UsageError, PluginError."""
    return load_entry(find_task(name))


def load_entry(entry: TaskEntry) -> LoadedTask:
    """Import and check one plugin. Raises: PluginError, with the plugin's traceback as its cause."""
    manager = pluggy.PluginManager("envkit")
    manager.add_hookspecs(hooks)
    try:
        module = entry.entry_point.load()
        manager.register(module, name=str(entry))
        manager.check_pending()
        task = manager.hook.envkit_task()
    except (KeyboardInterrupt, MemoryError):
        raise
    except BaseException as error:  # SystemExit too: a bad plugin harms only itself
        raise PluginError(
            f"the plugin {entry} cannot be loaded: {describe(error)}", hint=report_hint(entry)
        ) from error
    missing = [hook for hook in _WORKER_HOOKS if not getattr(manager.hook, hook).get_hookimpls()]
    if missing or not isinstance(task, Task) or not inspect.isclass(task.options):
        wrong = f"does not implement {' and '.join(missing)}" if missing else "gives no Task from envkit_task"
        raise PluginError(f"the plugin {entry} {wrong}", hint=report_hint(entry))
    return LoadedTask(entry, task, manager)


@dataclass(frozen=True)
class Extension:
    """An extension that has been imported, or the reason why it could not be: one of the two is None."""

    entry: ExtensionEntry
    manager: pluggy.PluginManager | None
    fault: PluginError | None = None

    def backends(self) -> list[Any]:
        """Return what its ``envkit_backends`` gives, unchecked. Raises: PluginError where that fails."""
        return self._given("envkit_backends")

    def checks(self) -> list[Any]:
        """Return what its ``envkit_checks`` gives, unchecked. Raises: PluginError where that fails."""
        return self._given("envkit_checks")

    def templates(self) -> list[Any]:
        """Return what its ``envkit_templates`` gives, unchecked. Raises: PluginError where that fails."""
        return self._given("envkit_templates")

    def _given(self, hook: str) -> list[Any]:
        if self.manager is None:
            return []
        try:
            return [each for given in getattr(self.manager.hook, hook)() for each in given]
        except (KeyboardInterrupt, MemoryError):
            raise
        except BaseException as error:  # a bad extension harms only itself
            raise PluginError(
                f"{hook} of {self.entry} failed: {describe(error)}", hint=report_hint(self.entry)
            ) from error


def load_extensions() -> list[Extension]:
    """Import every installed extension, each on its own, sorted by its distribution's name."""
    found: dict[tuple[str, str], ExtensionEntry] = {}
    for entry in _find_entries(EXTENSIONS_GROUP, ExtensionEntry):
        found.setdefault((_canonical(entry.plugin), entry.name), entry)
    return [_load_extension(found[key]) for key in sorted(found)]


def _load_extension(entry: ExtensionEntry) -> Extension:
    try:
        return Extension(entry, _import_extension(entry))
    except PluginError as fault:
        return Extension(entry, None, fault)


def _import_extension(entry: ExtensionEntry) -> pluggy.PluginManager:
    manager = pluggy.PluginManager("envkit")
    manager.add_hookspecs(hooks)
    try:
        manager.register(entry.entry_point.load(), name=str(entry))
        manager.check_pending()
    except (KeyboardInterrupt, MemoryError):
        raise
    except BaseException as error:  # SystemExit too: a bad extension harms only itself
        raise PluginError(
            f"the extension {entry} cannot be loaded: {describe(error)}", hint=report_hint(entry)
        ) from error
    return manager


def _find_entries(group: str, kind: type[_EntryT]) -> Iterator[_EntryT]:
    for dist in distributions():
        for entry_point in dist.entry_points:
            if entry_point.group == group:
                yield kind(entry_point.name, entry_point, dist)


def _canonical(distribution: str) -> str:
    return distribution.lower().replace("_", "-")


def _field(dist: Distribution, name: str) -> str:
    return str((dist.metadata.get_all(name) or [""])[0])


def describe(error: BaseException) -> str:
    """Return kind and message of an error, and the last line of code that raised it."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f" ({frames[-1].filename}:{frames[-1].lineno})" if frames else ""
    text = str(error).strip()
    return f"{type(error).__name__}{': ' + text if text else ''}{place}"


def report_hint(entry: Entry) -> str:
    """Return the hint of an error that is the author's of a plugin or an extension."""
    where = f"Tell its author: {entry.tracker}" if entry.tracker else f"Tell the author of {entry.plugin}"
    return f"{where}. Everything but {entry.scope} works on."
