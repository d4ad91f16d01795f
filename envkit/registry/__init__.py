"""Find, load and check plugins: the only caller of pluggy, on the host and in the worker.

Tasks are found by their entry points alone, so that listing them imports none; a plugin's module is
imported when its task is named.
"""

from envkit.registry.disabled import ALL_PLUGINS, DISABLE_VARIABLE, disabled_names, is_disabled, is_named
from envkit.registry.entries import (
    EXTENSIONS_GROUP,
    RESERVED_NAMES,
    TASKS_GROUP,
    AnyEntry,
    Entry,
    ExtensionEntry,
    TaskEntry,
    describe,
    find_entries,
    plugin_error,
    report_hint,
    tell_author,
)
from envkit.registry.extensions import Extension, find_extensions, load_extension, load_extensions
from envkit.registry.hook_names import EXTENSION_HOOKS, REQUIRED_TASK_HOOKS, TASK_HOOKS
from envkit.registry.metadata import source_folder
from envkit.registry.preference import PREFER_VARIABLE, decide_hint, preferred_plugin
from envkit.registry.standing import StandingEntry, find_standings
from envkit.registry.tasks import LoadedTask, find_task, find_tasks, load_entry, load_task

__all__ = [
    "ALL_PLUGINS",
    "DISABLE_VARIABLE",
    "EXTENSIONS_GROUP",
    "EXTENSION_HOOKS",
    "PREFER_VARIABLE",
    "REQUIRED_TASK_HOOKS",
    "RESERVED_NAMES",
    "TASKS_GROUP",
    "TASK_HOOKS",
    "AnyEntry",
    "Entry",
    "Extension",
    "ExtensionEntry",
    "LoadedTask",
    "StandingEntry",
    "TaskEntry",
    "decide_hint",
    "describe",
    "disabled_names",
    "find_entries",
    "find_extensions",
    "find_standings",
    "find_task",
    "find_tasks",
    "is_disabled",
    "is_named",
    "load_entry",
    "load_extension",
    "load_extensions",
    "load_task",
    "plugin_error",
    "preferred_plugin",
    "report_hint",
    "source_folder",
    "tell_author",
]
