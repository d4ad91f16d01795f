"""Tasks: found by their entry points alone, imported when one is named."""

from __future__ import annotations

import difflib
import inspect
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from envkit.api import Corpus, Options, PluginError, UsageError
from envkit.api.task import Request, Result, Run, Task
from envkit.registry.disabled import is_disabled
from envkit.registry.entries import TaskEntry, find_entries, plugin_error, tell_author
from envkit.registry.hook_names import REQUIRED_TASK_HOOKS
from envkit.registry.loading import blaming, disabled_error, load_module
from envkit.registry.metadata import canonical
from envkit.registry.preference import decide_hint, preferred_plugin

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import pluggy

    from envkit.api import Predictor, PredictorRequest


@dataclass(frozen=True)
class LoadedTask:
    """A task whose plugin has been imported and checked: typed ways to call its hooks.

    ``remarks`` say what importing it did that no import should, and that was undone.
    """

    entry: TaskEntry
    task: Task
    manager: pluggy.PluginManager
    remarks: tuple[str, ...] = ()

    def hooks(self) -> tuple[str, ...]:
        """Return the names of the hooks that it implements, sorted."""
        names = (hook for hook in vars(self.manager.hook) if hook.startswith("envkit_"))
        return tuple(sorted(filter(self.has, names)))

    def read(self, request: Request[Any]) -> Any:
        """Call the plugin's ``envkit_read``."""
        return self.manager.hook.envkit_read(request=request)

    def finetune(self, run: Run[Any, Any]) -> Result:
        """Call the plugin's ``envkit_finetune``. Raises: PluginError where it returns no Result."""
        result = self.manager.hook.envkit_finetune(run=run)
        if not isinstance(result, Result):
            raise self._not_returned("envkit_finetune", result, "a Result")
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
            hint = (
                f"An author may leave that out, and can add it. {tell_author(self.entry)}. "
                f"envkit run {self.entry.name} works without."
            )
            raise plugin_error(self.entry, f"the plugin {self.entry} does not implement {hook}", hint=hint)
        given = getattr(self.manager.hook, hook)(request=request)
        if not isinstance(given, wanted):
            raise self._not_returned(hook, given, f"a {wanted.__name__}")
        return given

    def _not_returned(self, hook: str, given: object, wanted: str) -> PluginError:
        message = f"{hook} of {self.entry} returned {type(given).__name__}, not {wanted}"
        return plugin_error(self.entry, message)


def find_tasks(*, environ: Mapping[str, str] = os.environ) -> dict[str, list[TaskEntry]]:
    """Return the claimed tasks by name, sorted, without those that the user disabled.

    Several entries under a name are a conflict that no setting decides.
    """
    found = _claimed_tasks(environ)
    return {name: choose_entries(name, entries, environ=environ) for name, entries in found.items()}


def _claimed_tasks(environ: Mapping[str, str]) -> dict[str, list[TaskEntry]]:
    found: dict[str, list[TaskEntry]] = {}
    for entry in find_entries():
        if isinstance(entry, TaskEntry) and not is_disabled(entry, environ=environ):
            found.setdefault(entry.name, []).append(entry)
    return found


def choose_entries(
    name: str, entries: list[TaskEntry], *, environ: Mapping[str, str] = os.environ
) -> list[TaskEntry]:
    """Return of several entries that claim a name the one that the user prefers, all where none is."""
    if len(entries) < 2:
        return entries
    wanted = preferred_plugin(name, environ=environ)
    return [entry for entry in entries if canonical(entry.plugin) == wanted] or entries


def find_task(name: str, *, prefer: str | None = None, environ: Mapping[str, str] = os.environ) -> TaskEntry:
    """Return the one plugin that claims this task; where several do, that of the distribution ``prefer``.

    Raises: UsageError where none does, PluginError on a conflict, and where it is disabled or cannot be used.
    """
    tasks = _claimed_tasks(environ)
    if name not in tasks:
        raise _no_task(name, tasks)
    entries = tasks[name]
    if len(entries) > 1:
        # A run or a model goes on with the plugin that made it, whatever this user prefers for new ones.
        own = [entry for entry in entries if prefer and canonical(entry.plugin) == canonical(prefer)]
        entries = own or choose_entries(name, entries, environ=environ)
    if len(entries) > 1:
        raise conflict_error(f"the task {name!r}", name, entries)
    if entries[0].fault is not None:
        raise plugin_error(entries[0], f"{entries[0]} cannot be used: {entries[0].fault}")
    return entries[0]


def conflict_error(what: str, name: str, entries: Iterable[TaskEntry]) -> PluginError:
    """Return the error for a name that several claim: it names them all, and the setting that decides."""
    claims = list(entries)
    return PluginError(
        f"{what} is claimed by {' and by '.join(map(str, claims))}",
        hint=decide_hint(name, [entry.plugin for entry in claims]),
        plugin=claims[0].plugin,
        version=claims[0].version,
        state="conflict",
    )


def _no_task(name: str, tasks: Mapping[str, list[TaskEntry]]) -> UsageError | PluginError:
    for entry in find_entries():
        if isinstance(entry, TaskEntry) and entry.name == name:
            return disabled_error(entry)
    near = difflib.get_close_matches(name.lower(), tasks, n=1)
    known = f"Tasks here: {', '.join(tasks)}." if tasks else "No task is installed."
    hint = f"Did you mean {near[0]!r}? {known}" if near else f"{known} Others come with their plugins"
    return UsageError(f"there is no task {name!r}", hint=hint)


def load_task(name: str, *, prefer: str | None = None) -> LoadedTask:
    """Import and check the plugin of this task; see ``find_task``. Raises: UsageError, PluginError."""
    return load_entry(find_task(name, prefer=prefer))


def load_entry(entry: TaskEntry) -> LoadedTask:
    """Import and check one plugin. Raises: PluginError, with the plugin's traceback as its cause."""
    loaded = load_module(entry)
    manager = loaded.manager
    missing = [hook for hook in REQUIRED_TASK_HOOKS if not getattr(manager.hook, hook).get_hookimpls()]
    if missing:
        raise plugin_error(entry, f"the plugin {entry} does not implement {' and '.join(missing)}")
    with blaming(entry, f"the plugin {entry} cannot be loaded") as noted:
        task = manager.hook.envkit_task()
    if wrong := _find_wrong(task):
        raise plugin_error(entry, f"the plugin {entry} gives {wrong}")
    return LoadedTask(entry, task, manager, (*loaded.remarks, *noted.remarks))


def _find_wrong(task: Any) -> str:
    """Return what keeps this from being a task; empty where nothing does."""
    if not isinstance(task, Task):
        return f"no Task from envkit_task, but {type(task).__name__}"
    options: Any = task.options  # a dataclass does not check what it is given
    headline: Any = task.headline
    models: Any = task.own_models
    if not (inspect.isclass(options) and issubclass(options, Options)):
        shown = options.__name__ if inspect.isclass(options) else type(options).__name__
        return f"a Task whose options are {shown}, which is no subclass of envkit.api.Options"
    try:
        msgspec.inspect.type_info(options)
    except Exception as error:  # noqa: BLE001 - annotations are evaluated: whatever the author's code raises
        return f"a Task whose options have a type that none may have: {type(error).__name__}: {error}"
    if not isinstance(headline, str) or not headline.strip():
        return f"a Task whose headline is {headline!r}, expected the name of a metric"
    if not isinstance(models, (tuple, list)) or not all(isinstance(name, str) for name in models):
        return f"a Task whose own_models are {models!r}, expected names"
    return ""
