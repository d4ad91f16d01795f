"""Give code and prose of one plugin the names of another."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from envkit.authoring.names import PluginNames


@dataclass(frozen=True, kw_only=True)
class OldNames:
    """What a plugin has been called; ``classes`` are the names of all classes that its package defines."""

    task: str
    distribution: str
    module: str
    classes: frozenset[str]

    @property
    def class_prefix(self) -> str:
        """Return what the names of its classes begin with, where they keep to the custom."""
        return "".join(part[:1].upper() + part[1:] for part in re.split(r"[-_]", self.task))


def defined_classes(sources: Iterable[str]) -> frozenset[str]:
    """Return the names of the classes that these modules define. Raises: SyntaxError."""
    return frozenset(
        node.name
        for source in sources
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.ClassDef)
    )


class Renaming:
    """Turns text that speaks of an old plugin into text that speaks of the new one.

    The bare word of a task may mean anything, as ``ner`` in ``ner_tags``; it is changed only where it is
    surely the task: behind a command, in the call of an API that takes one, or between double backquotes.
    """

    def __init__(self, old: OldNames, new: PluginNames) -> None:
        task, dist = re.escape(old.task), re.escape(old.distribution)
        variable = re.escape("ENVKIT_" + re.sub(r"[^A-Za-z0-9]", "_", old.task).upper())
        self._rules = [
            # As a plugin in a source tree of envkit's own says how to install it.
            (rf"pip install \. \./plugins/{dist}(?![\w-])[^\n]*", f"pip install {new.distribution}"),
            (rf"(?<![\w-]){dist}(?![\w-])", new.distribution),
            (rf"\b{re.escape(old.module)}\b", new.module),
            (rf"\b{variable}_", f"{new.variable_prefix}_"),
            (rf"(\benvkit(?: [a-z]+){{1,2}}) {task}(?![\w-])", rf"\1 {new.task}"),
            (rf"(\b(?:task|load_task|find_task)(?:=|: |\())(['\"]){task}\2", rf"\1\2{new.task}\2"),
            (rf"``{task}``", f"``{new.task}``"),
        ]
        for name in sorted(old.classes, key=len, reverse=True):
            if name.startswith(old.class_prefix):
                rest = name.removeprefix(old.class_prefix)
                if not rest or rest[0].isupper():
                    self._rules.append((rf"\b{name}\b", new.class_prefix + rest))

    def __call__(self, text: str) -> str:
        """Return the text with the new names."""
        for pattern, replacement in self._rules:
            text = re.sub(pattern, replacement, text)
        return text
