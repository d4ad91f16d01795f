"""Plugins that the user does without for a while: they stay installed and listed, and are not used."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from envkit.registry.metadata import canonical

if TYPE_CHECKING:
    from collections.abc import Mapping

    from envkit.registry.entries import Entry

# A variable, so that it holds in every process that a command starts, in the worker too.
DISABLE_VARIABLE = "ENVKIT_DISABLE_PLUGINS"
ALL_PLUGINS = "*"


def disabled_names(environ: Mapping[str, str] = os.environ) -> tuple[str, ...]:
    """Return the names of distributions and entries that the user disabled; ``*`` stands for all."""
    words = (word.strip() for word in environ.get(DISABLE_VARIABLE, "").split(","))
    return tuple(dict.fromkeys(word for word in words if word))


def is_disabled(entry: Entry, *, environ: Mapping[str, str] = os.environ) -> bool:
    """Tell whether the user disabled it, by its distribution or its own name. What envkit itself supplies stays."""
    names = disabled_names(environ)
    return bool(names) and not entry.is_own and any(is_named(entry, name) for name in names)


def is_named(entry: Entry, name: str) -> bool:
    """Tell whether this name means it: its distribution's, however that is spelt, or its own."""
    return name in (ALL_PLUGINS, entry.name) or canonical(name) == canonical(entry.plugin)
