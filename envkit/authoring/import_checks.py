"""Imports of envkit's private rooms, read from a plugin's sources: what it may use is what stays."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from envkit.api.checks import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from envkit.authoring.check_subject import Subject

PUBLIC = ("envkit.api", "envkit.data", "envkit.finetune", "envkit.testing")
_MOST_SHOWN = 20


def check_imports(subject: Subject) -> Iterator[Finding]:
    """Read every module of the plugin's, in packages or alone; none is imported."""
    for place in subject.code_places:
        files = sorted(place.rglob("*.py")) if place.is_dir() else [place]
        found = [
            f"{subject.shown(file)}:{line} imports {name}"
            for file in files
            for line, name in private_imports(file)
        ]
        if found:
            more = (f"and {len(found) - _MOST_SHOWN} more",) if len(found) > _MOST_SHOWN else ()
            name = found[0].rpartition(" ")[2]
            yield Finding(
                severity="error",
                summary=f"it imports {name}, a room of envkit's own that may change any day",
                evidence=(*found[:_MOST_SHOWN], *more),
                fix=f"Import from {', '.join(PUBLIC)} alone",
            )


def private_imports(file: Path) -> Iterator[tuple[int, str]]:
    """Yield line and name of each import of a private room; a file that is no Python has none."""
    try:
        tree = ast.parse(file.read_bytes())
    except (OSError, SyntaxError, ValueError):
        return  # importing it says what is wrong
    for node in ast.walk(tree):
        for name in _imported(node):
            if not is_public(name):
                yield node.lineno, name  # type: ignore[attr-defined]  # statements have one


def is_public(name: str) -> bool:
    """Tell whether a plugin may import this; what is not envkit's is its own affair."""
    if name.partition(".")[0] != "envkit":
        return True
    return name == "envkit.__version__" or any(name == room or name.startswith(f"{room}.") for room in PUBLIC)


def _imported(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Import):
        for alias in node.names:
            if alias.name != "envkit":  # its attributes are seen where they are imported
                yield alias.name
    elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module == "envkit":
        for alias in node.names:
            yield f"envkit.{alias.name}"
    elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
        yield node.module
