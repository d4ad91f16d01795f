"""Which distribution is meant where several claim one name: the setting that decides a conflict.

The registry stands below the configuration, and asks its files for this one table alone; only a conflict has it
read. A worker in an environment of its own has no configuration, and is told which plugin its run is of.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path

from envkit.api import ConfigError
from envkit.registry.metadata import canonical

PREFER_VARIABLE = "ENVKIT_PREFER_PLUGINS"
PREFER_SETTING = "plugins.prefer"  # as it is typed: the path of config_files

ReadPreferences = Callable[[], Mapping[str, str]]


def read_preferences() -> Mapping[str, str]:
    """Return the distribution that the configuration files prefer, by the name that it claims.

    Files that cannot be read say nothing here: whatever resolves the settings tells what is wrong with them.
    """
    try:
        from envkit.config_files import PREFER_PATH, read_layers  # only on a conflict, and never in a worker

        layers = read_layers(Path.cwd())
    except (ImportError, ConfigError, OSError):  # a worker's environment has no platformdirs
        return {}
    found: dict[str, str] = {}
    for layer in layers:
        stated = layer.table(PREFER_PATH)
        found |= {name: value for name, value in stated.items() if isinstance(value, str)}
    return found


def preferences_of_variable(environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return what the variable says: ``ner=envkit-ner,qa=my-qa``."""
    pairs = (pair.partition("=") for pair in environ.get(PREFER_VARIABLE, "").split(","))
    return {name.strip(): value.strip() for name, mark, value in pairs if mark and value.strip()}


def preferred_plugin(
    name: str, *, environ: Mapping[str, str] = os.environ, read: ReadPreferences | None = None
) -> str | None:
    """Return the distribution that the user prefers for this name, in the form in which names are compared."""
    wanted = preferences_of_variable(environ).get(name) or (read or read_preferences)().get(name)
    return canonical(wanted) if wanted else None


def decide_hint(name: str, plugins: list[str]) -> str:
    """Return what settles a conflict about this name."""
    return (
        f"Say which is meant: envkit config set {PREFER_SETTING}.{name} {plugins[0]}\n"
        f"Or do without one: envkit plugin remove {plugins[-1]}"
    )
