"""See which environment variables a plugin's code leaves changed, and tell them from what libraries set on import."""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

_EVENTS = ("os.putenv", "os.unsetenv")
# Code of Python's own through which a variable is set.
_BETWEEN = ("os.py", "_collections_abc.py", "<frozen os>", "<frozen _collections_abc>")

_watching: list[EnvironWatch] = []  # an audit hook cannot be taken away again: one stays, and looks here
_is_hooked = False


class EnvironWatch:
    """What was left changed while it was watched; ``module`` is one of the plugin's, imported already.

    ``own`` are the variables that the plugin's own code left changed, ``others`` those that anything else did: a library
    may set some when it is imported, once.
    """

    def __init__(self, module: str) -> None:
        file = getattr(sys.modules[module], "__file__", None)
        # Beside a module that is in no package there lies what is others'.
        is_alone = not sys.modules[module].__package__
        self._code = None if file is None else file if is_alone else f"{Path(file).parent}{os.sep}"
        self.own: set[str] = set()
        self.others: set[str] = set()
        self._set_by_plugin: set[str] = set()

    @contextlib.contextmanager
    def watch(self) -> Iterator[None]:
        """Watch this process until the end of the block; ``others`` are those of the last block alone."""
        global _is_hooked
        if not _is_hooked:
            sys.addaudithook(_hear)
            _is_hooked = True
        before = dict(os.environ)
        self._set_by_plugin.clear()
        _watching.append(self)
        try:
            yield
        finally:
            _watching.remove(self)
            now = dict(os.environ)
            changed = {name for name in before.keys() | now.keys() if before.get(name) != now.get(name)}
            self.own |= changed & self._set_by_plugin
            self.others = changed - self.own

    def hear(self, name: str, files: list[str]) -> None:
        """Hear that a variable is set or removed, by code in these files, the innermost first."""
        if self._code is None:
            return
        setter = next((file for file in files if not file.endswith(_BETWEEN)), "")
        if setter.startswith(self._code):
            self._set_by_plugin.add(name)


def _hear(event: str, arguments: tuple[Any, ...]) -> None:
    if not _watching or event not in _EVENTS:
        return
    files = []
    frame = sys._getframe(1)
    while frame is not None:
        files.append(frame.f_code.co_filename)
        if frame.f_back is None:
            break
        frame = frame.f_back
    for watched in _watching:
        watched.hear(os.fsdecode(arguments[0]), files)
