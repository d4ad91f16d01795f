"""Weigh the import of a plugin's module, in a process that has nothing else in it: run as a script, by its path.

Arguments: a descriptor to answer to, the module, the names that weigh too much with commas, and the search path.
"""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from types import FrameType


class Watcher:
    """A finder that finds nothing: it notes who asks for a heavy module first."""

    def __init__(self, heavy: frozenset[str], package: str) -> None:
        self.heavy = heavy
        self.package = package
        self.places: dict[str, str] = {}

    def find_spec(self, name: str, path: object = None, target: object = None) -> None:
        """Note the line of the plugin from which this module is imported."""
        if name in self.heavy and name not in self.places:
            self.places[name] = self._line()

    def _line(self) -> str:
        frame: FrameType | None = sys._getframe(1)
        while frame is not None:
            if str(frame.f_globals.get("__name__", "")).partition(".")[0] == self.package:
                return f"{frame.f_code.co_filename}:{frame.f_lineno}"
            frame = frame.f_back
        return ""


def weigh(module: str, heavy: frozenset[str]) -> dict[str, Any]:
    """Import envkit.api, then the module, and return what came along and how long both took."""
    start = time.perf_counter()
    import envkit.api  # noqa: F401

    bare_seconds = time.perf_counter() - start
    watcher = Watcher(heavy, module.partition(".")[0])
    sys.meta_path.insert(0, watcher)
    before = set(sys.modules)
    problem, missing = None, ""
    start = time.perf_counter()
    try:
        __import__(module)
    except BaseException as error:  # noqa: BLE001 - whatever ends it, another process says what is wrong
        problem = f"{type(error).__name__}: {error}"
        if isinstance(error, ModuleNotFoundError):
            missing = (error.name or "").partition(".")[0]
    seconds = time.perf_counter() - start
    found = [name for name in sys.modules if name not in before]
    # One that is not here is as heavy where it is.
    asked = [name for name in found if name in heavy] + ([missing] if missing in heavy else [])
    return {
        "bare_seconds": bare_seconds,
        "seconds": seconds,
        "modules": found,
        "heavy": [{"name": name, "place": watcher.places.get(name, "")} for name in asked],
        "problem": problem,
    }


def main() -> None:
    """Weigh what the arguments name."""
    import json
    import os

    descriptor, module, names = sys.argv[1:4]
    sys.path[:] = sys.argv[4:]
    answer = json.dumps(weigh(module, frozenset(names.split(",")))).encode()
    while answer:
        answer = answer[os.write(int(descriptor), answer) :]


if __name__ == "__main__":
    main()
