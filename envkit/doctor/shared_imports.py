"""Which plugin was the first to import a package that several use: its milliseconds hold what that takes."""

from __future__ import annotations

import sys
from types import FunctionType, ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


class SharedImports:
    """The packages that plugins imported in this process, each with the first that did."""

    def __init__(self) -> None:
        self._first: dict[str, str] = {}

    def add(self, plugin: str, *, before: Iterable[str]) -> tuple[tuple[str, str], ...]:
        """Note what this plugin imported beyond ``before``; return what it uses that others did, with these."""
        mine = sorted(set(sys.modules).difference(before))
        shared = {
            name: self._first[name]
            for module in mine
            for name in _used(sys.modules.get(module))
            if self._first.get(name, plugin) != plugin
        }
        for module in mine:
            name = module.partition(".")[0]
            if name not in sys.stdlib_module_names:  # Python's own cost little, and each uses many
                self._first.setdefault(name, plugin)
        return tuple(sorted(shared.items()))


def _used(module: object) -> Iterator[str]:
    """Yield the packages of what stands in a module, by the names alone: nothing of it is asked."""
    if not isinstance(module, ModuleType):
        return
    for value in tuple(vars(module).values()):
        if isinstance(value, ModuleType):
            name = vars(value).get("__name__")
        elif isinstance(value, FunctionType):
            name = value.__module__
        elif type(value) is type:
            name = vars(value).get("__module__")
        else:
            continue
        if isinstance(name, str):
            yield name.partition(".")[0]
