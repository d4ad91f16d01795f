"""Find an environment that was made before, for a command that never makes one."""

from __future__ import annotations

import os
from importlib import metadata
from typing import TYPE_CHECKING

from envkit.environments.order import host_package
from envkit.environments.prefixes import why_moved
from envkit.environments.requirements import HOST
from envkit.environments.store import find_stored, hold_environment, list_environments, python_of

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from importlib.metadata import Distribution
    from pathlib import Path

    from envkit.environments.records import Environment
    from envkit.registry import TaskEntry


def find_made(
    entry: TaskEntry,
    *,
    home: Path,
    packages: Collection[str] = (),
    is_look: bool = False,
    find_distribution: Callable[[str], Distribution] = metadata.distribution,
) -> Environment | None:
    """Return the newest environment with this very plugin and envkit in it, held, or None.

    ``packages`` are the canonical names of others that must be in it; with ``is_look`` it counts as no use. Raises:
    EnvError where what is installed here has no RECORD to compare by.
    """
    made = [
        stored
        for stored in list_environments(home)
        if any(plugin.name == entry.plugin for plugin in stored.record.plugins)
        and os.access(python_of(stored.prefix), os.X_OK)
    ]
    if not made:
        return None
    envkit, plugin = host_package(find_distribution(HOST)), host_package(entry.distribution)
    fitting = [
        stored
        for stored in made
        if stored.record.envkit == envkit
        and plugin in stored.record.plugins
        and stored.record.installed.keys() >= set(packages)
        and why_moved(stored.prefix, stored.record) is None
    ]
    if not fitting:
        return None
    return hold_environment(max(fitting, key=lambda stored: stored.record.created), is_look=is_look)


def find_named(name: str, *, home: Path, is_look: bool = False) -> Environment:
    """Return the environment of this name as it is, held. Raises: EnvError where there is none."""
    return hold_environment(find_stored(home, name), is_look=is_look)
