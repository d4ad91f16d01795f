"""Do without plugins for one command: in this process, and in all that it starts."""

from __future__ import annotations

import difflib
import os
from typing import TYPE_CHECKING

from envkit.api import UsageError
from envkit.registry import ALL_PLUGINS, DISABLE_VARIABLE, disabled_names, find_entries, is_named

if TYPE_CHECKING:
    from collections.abc import Callable, MutableMapping, Sequence


def disable_plugins(
    names: Sequence[str], *, everything: bool = False, environ: MutableMapping[str, str] = os.environ
) -> Callable[[], None]:
    """Disable the plugins of these names besides those that are disabled; return what undoes it.

    Raises: UsageError with the nearest for a name that no installed plugin has.
    """
    _refuse_unknown(names)
    before = environ.get(DISABLE_VARIABLE)
    added = (ALL_PLUGINS,) if everything else tuple(names)
    environ[DISABLE_VARIABLE] = ",".join((*disabled_names(environ), *added))

    def undo() -> None:
        if before is None:
            environ.pop(DISABLE_VARIABLE, None)
        else:
            environ[DISABLE_VARIABLE] = before

    return undo


def _refuse_unknown(names: Sequence[str]) -> None:
    entries = [entry for entry in find_entries() if not entry.is_own]
    for name in names:
        if not any(is_named(entry, name) for entry in entries):
            known = sorted({each for entry in entries for each in (entry.plugin, entry.name)})
            near = difflib.get_close_matches(name, known, n=1)
            plugins = sorted({entry.plugin for entry in entries})
            hint = f"Did you mean {near[0]!r}?" if near else f"Plugins here: {', '.join(plugins) or 'none'}"
            raise UsageError(f"--disable-plugin: there is no plugin {name!r}", hint=hint)
