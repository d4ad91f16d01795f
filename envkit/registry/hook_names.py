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
    from collections.abc import Callable, Iterable, Iterator
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
    for function_name, function, is_marked in functions_of(module):
        hook = hook_of(function_name, function)
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
        for fault in argument_faults(hook, inspect.signature(function).parameters.values()):
            raise unusable_error(entry, fault)


def nearest_hook(name: str) -> str | None:
    """Return the hook that a misspelt name is nearest to, None where none is near."""
    # Without what all have in common, which would make every name near to every hook.
    known = {hook.removeprefix(PREFIX): hook for hook in TASK_HOOKS + EXTENSION_HOOKS}
    near = difflib.get_close_matches(name.removeprefix(PREFIX), known, n=1, cutoff=0.6)
    return known[near[0]] if near else None


def functions_of(module: ModuleType) -> Iterator[tuple[str, Callable[..., object], bool]]:
    """Yield the functions that are marked as hooks, and the module's own that are named like one."""
    for name, value in sorted(vars(module).items()):
        if not inspect.isroutine(value):
            continue
        is_marked = isinstance(getattr(value, _MARK, None), dict)
        is_named = name.startswith(PREFIX) and getattr(value, "__module__", None) == module.__name__
        if is_marked or is_named:
            yield name, value, is_marked


def hook_of(name: str, function: Callable[..., object]) -> str:
    """Return the hook that a function of this name is for: its own name, unless its mark says another."""
    marks = getattr(function, _MARK, None)
    return (marks.get("specname") if isinstance(marks, dict) else None) or name


def _is_both(module: ModuleType, entry: AnyEntry) -> bool:
    """Tell whether the distribution names this module in the other group as well."""
    return any(
        type(other) is not type(entry) and other.entry_point.value == entry.entry_point.value
        for other in entries_of(entry.distribution)
    )


def argument_faults(hook: str, arguments: Iterable[inspect.Parameter]) -> Iterator[str]:
    """Yield what is wrong with each argument that an implementation of this hook takes and would not be given.

    pluggy gives by name what has no default. What has one it leaves alone before 1.7, and since then gives it by
    name as well; what is taken by keyword alone it never gives.
    """
    given = list(inspect.signature(getattr(hooks, hook)).parameters)
    for argument in arguments:
        if argument.kind in _REST:
            continue  # it is not given, and need not be
        has_default = argument.default is not argument.empty
        if argument.name not in given:
            near = difflib.get_close_matches(argument.name, given, n=1, cutoff=0.6 if has_default else 0.5)
            if near or not has_default:  # another with a default is the plugin's own
                known = f"is {near[0]} meant?" if near else f"expected {' and '.join(given) or 'none'}"
                yield f"{hook} takes the argument {argument.name!r}; {known}"
        elif argument.kind is argument.KEYWORD_ONLY:
            yield f"{hook} takes {argument.name!r} by keyword, not in its place"
        elif has_default:
            yield f"{hook} takes {argument.name!r} with a default, so that not every pluggy gives it"
