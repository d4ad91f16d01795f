"""The names of a plugin: task, distribution, module and classes, all from one word."""

from __future__ import annotations

import keyword
import re
import sys
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING

from envkit.api import UsageError
from envkit.config.records import PLAIN_NAMES
from envkit.registry import RESERVED_NAMES

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

PREFIX = "envkit-"
LONGEST_NAME = 28  # letters; with more, the lines of a made package would pass its own width
_TASK = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_NO_LETTERS = re.compile(r"[^a-z0-9]+")
_ITS_OWN = ("envkit", "ml")  # envkit itself is the distribution envkit-ml


@dataclass(frozen=True)
class PluginNames:
    """What a plugin is called: ``my-ner``, ``envkit-my-ner``, ``envkit_my_ner``, and ``MyNer`` before its classes."""

    task: str

    @property
    def distribution(self) -> str:
        """Return the name of its package."""
        return PREFIX + self.task

    @property
    def module(self) -> str:
        """Return what is imported."""
        return self.distribution.replace("-", "_")

    @property
    def class_prefix(self) -> str:
        """Return what the names of its classes begin with."""
        return "".join(part.capitalize() for part in self.task.split("-"))

    @property
    def variable_prefix(self) -> str:
        """Return what the variables of its options begin with."""
        return self.module.upper()


def is_module_there(module: str) -> bool:
    """Tell whether a module of this name can be imported here; nothing is imported."""
    return find_spec(module) is not None


def choose_names(
    name: str, *, tasks: Collection[str], is_there: Callable[[str], bool] = is_module_there
) -> PluginNames:
    """Return the names of a new plugin, called ``my-task`` or ``envkit-my-task``.

    ``tasks`` are those installed here. Raises: UsageError for a name that could not be used, or is taken.
    """
    task = name.removeprefix(PREFIX)
    if not _TASK.fullmatch(task):
        raise UsageError(
            f"{name!r} is no name for a task: expected small letters, digits and single dashes, a letter first",
            hint=_suggest(name),
        )
    if len(task) > LONGEST_NAME:
        raise UsageError(
            f"the name {task!r} has {len(task)} letters, more than {LONGEST_NAME}", hint=_suggest(name)
        )
    names = PluginNames(task)
    reason = _taken(names, tasks, is_there)
    if reason is not None:
        raise UsageError(f"the name {task!r} is taken: {reason}", hint=f"Give another, as in my-{task}")
    return names


def _taken(names: PluginNames, tasks: Collection[str], is_there: Callable[[str], bool]) -> str | None:
    """Return why this name would be confused with another, None if it would not."""
    task = names.task
    plain = task.replace("-", "_")
    if task in _ITS_OWN:
        return "envkit itself is the package envkit-ml"
    if task in RESERVED_NAMES or plain in PLAIN_NAMES:
        return "it is a word of envkit's own configuration"
    if keyword.iskeyword(plain) or keyword.issoftkeyword(plain):
        return "it is a word of the Python language"
    if plain in sys.stdlib_module_names:
        return f"{plain} is a module of Python's standard library"
    same = next((other for other in sorted(tasks) if _canonical(other) == task), None)
    if same is not None:
        return f"a plugin for the task {same} is installed here"
    if is_there(names.module):
        return f"there is a module {names.module} here already"
    return None


def _canonical(name: str) -> str:
    return _NO_LETTERS.sub("-", name.lower())


def _suggest(name: str) -> str:
    near = _canonical(name).removeprefix(PREFIX).lstrip("-0123456789")[:LONGEST_NAME].strip("-")
    return f"Try: envkit plugin new {near}" if near else "As in: envkit plugin new my-task"
