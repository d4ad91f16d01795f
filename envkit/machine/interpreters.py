"""Probe Python: the interpreter that runs, and others on PATH, by their names alone."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from envkit.api.facts import FoundInterpreter, Interpreter

if TYPE_CHECKING:
    from collections.abc import Mapping

# envkit needs 3.11; the last is far enough ahead to need no change for years.
_MINORS = range(11, 31)


def read_python() -> Interpreter:
    """Return the interpreter that runs this."""
    return Interpreter(
        path=sys.executable,
        # Not platform.python_version(): a build from a branch calls itself 3.13.0+, which is no version.
        version=".".join(map(str, sys.version_info[:3])),
        implementation=sys.implementation.name,
        is_64bit=sys.maxsize > 2**32,
    )


def find_interpreters(*, environ: Mapping[str, str]) -> tuple[FoundInterpreter, ...]:
    """Return the other Pythons on PATH, newest first; of those behind links, the first on PATH."""
    found: dict[Path, FoundInterpreter] = {}
    running = Path(sys.executable).resolve()
    for folder in environ.get("PATH", os.defpath).split(os.pathsep):
        for minor in _MINORS:
            path = Path(folder, f"python3.{minor}")
            if folder and os.access(path, os.X_OK) and path.is_file():
                target = path.resolve()
                if target != running:
                    found.setdefault(target, FoundInterpreter(path=str(path), version=f"3.{minor}"))
    return tuple(sorted(found.values(), key=lambda each: -int(each.version.partition(".")[2])))
