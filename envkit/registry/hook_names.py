"""The hooks that a module implements, held against those that there are: a misspelt one would never be called."""

from __future__ import annotations

import difflib
import inspect
from typing import TYPE_CHECKING

from envkit.api import hooks
from envkit.registry.entries import (
    EXTENSIONS_GROUP,
    TASKS_GROUP,
    ExtensionEntry,
    TaskEntry,
    entries_of,
    unusable_error,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import ModuleType

    from envkit.registry.entries import AnyEntry

PREFIX = "envkit_"
REQUIRED_TASK_HOOKS = ("envkit_task", "envkit_read", "envkit_finetune")
TASK_HOOKS = (*REQUIRED_TASK_HOOKS, "envkit_corpus", "envkit_predictor")
EXTENSION_HOOKS = ("envkit_backends", "envkit_checks", "envkit_templates")
_HOOKS: dict[type[AnyEntry], tuple[str, ...]] = {TaskEntry: TASK_HOOKS, ExtensionEntry: EXTENSION_HOOKS}
_REST = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
_MARK = "envkit_impl"  # pluggy writes what @hookimpl was given under the project's name


def check_hooks(module: ModuleType, entry: AnyEntry) -> None:
    """Refuse hooks that do not exist, belong elsewhere, lack their mark or take what no hook is given.

    Raises: PluginError with the nearest name.
    """
    for function_name, function, is_marked in _functions(module):
        hook = _hook_of(function_name, function)
        if hook not in TASK_HOOKS + EXTENSION_HOOKS:
            near = nearest_hook(hook)
            meant = f"; did they mean {near}?" if near else ""
            raise unusable_error(entry, f"{function_name} is no hook of envkit{meant}")
        if hook not in _HOOKS[type(entry)] and not _is_both(module, entry):
            group = EXTENSIONS_GROUP if hook in EXTENSION_HOOKS else TASKS_GROUP
            raise unusable_error(entry, f"{function_name} is called only in modules of the group {group}")
        if not is_marked:
            raise unusable_error(
                entry, f"{function_name} is not marked with @hookimpl, so it would never be called"
            )
        if inspect.iscoroutinefunction(function):
            raise unusable_error(entry, f"{function_name} is async; hooks are plain functions")
        _check_arguments(hook, function, entry)


def nearest_hook(name: str) -> str | None:
    """Return the hook that a misspelt name is nearest to, None where none is near."""
    # Without what all have in common, which would make every name near to every hook.
    known = {hook.removeprefix(PREFIX): hook for hook in TASK_HOOKS + EXTENSION_HOOKS}
    near = difflib.get_close_matches(name.removeprefix(PREFIX), known, n=1, cutoff=0.6)
    return known[near[0]] if near else None


def _functions(module: ModuleType) -> Iterator[tuple[str, Callable[..., object], bool]]:
    """Yield the functions that are marked as hooks, and the module's own that are named like one."""
    for name, value in sorted(vars(module).items()):
        if not inspect.isroutine(value):
            continue
        is_marked = isinstance(getattr(value, _MARK, None), dict)
        is_named = name.startswith(PREFIX) and getattr(value, "__module__", None) == module.__name__
        if is_marked or is_named:
            yield name, value, is_marked


def _hook_of(name: str, function: Callable[..., object]) -> str:
    marks = getattr(function, _MARK, None)
    return (marks.get("specname") if isinstance(marks, dict) else None) or name


def _is_both(module: ModuleType, entry: AnyEntry) -> bool:
    """Tell whether the distribution names this module in the other group as well."""
    return any(
        type(other) is not type(entry) and other.entry_point.value == entry.entry_point.value
        for other in entries_of(entry.distribution)
    )


def _check_arguments(hook: str, function: Callable[..., object], entry: AnyEntry) -> None:
    given = list(inspect.signature(getattr(hooks, hook)).parameters)
    expected = f"expected {' and '.join(given)}" if given else "expected none"
    for argument in inspect.signature(function).parameters.values():
        if argument.default is not argument.empty or argument.kind in _REST:
            continue  # it is not given, and need not be
        if argument.name not in given:
            raise unusable_error(entry, f"{hook} takes the argument {argument.name!r}, {expected}")
        if argument.kind is argument.KEYWORD_ONLY:
            raise unusable_error(entry, f"{hook} takes {argument.name!r} by keyword, not in its place")
