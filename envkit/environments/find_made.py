"""Find an environment that was made before, for a command that never makes one."""

from __future__ import annotations

import os
from importlib import metadata
from typing import TYPE_CHECKING

from envkit.api import EnvError
from envkit.environments.records import HostPackage
from envkit.environments.requirements import HOST
from envkit.environments.store import envs_dir, hold_environment, list_environments, python_of
from envkit.environments.wheels import content_digest

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from importlib.metadata import Distribution
    from pathlib import Path

    from envkit.environments.records import Environment, EnvRecord
    from envkit.registry import TaskEntry


def find_made(
    entry: TaskEntry,
    *,
    home: Path,
    packages: Collection[str] = (),
    find_distribution: Callable[[str], Distribution] = metadata.distribution,
) -> Environment | None:
    """Return the newest environment with this very plugin and envkit in it, held, or None.

    ``packages`` are the canonical names of others that must be in it. Raises: EnvError where what is installed here has no RECORD to compare by.
    """
    made = [
        stored
        for stored in list_environments(home)
        if stored.record.plugin.name == entry.plugin and os.access(python_of(stored.prefix), os.X_OK)
    ]
    if not made:
        return None
    here = _package(find_distribution(HOST)), _package(entry.distribution)
    fitting = [
        stored
        for stored in made
        if _packages(stored.record) == here and stored.record.installed.keys() >= set(packages)
    ]
    return hold_environment(max(fitting, key=lambda stored: stored.record.created)) if fitting else None


def find_named(name: str, *, home: Path) -> Environment:
    """Return the environment of this name as it is, held. Raises: EnvError where there is none."""
    stored = {each.name: each for each in list_environments(home)}
    if name not in stored:
        raise EnvError(
            f"there is no environment {name!r} in {envs_dir(home)}",
            hint=f"Known: {', '.join(stored) or 'none yet'}. Without --env one is found",
        )
    return hold_environment(stored[name])


def _packages(record: EnvRecord) -> tuple[HostPackage, HostPackage]:
    return record.envkit, record.plugin


def _package(dist: Distribution) -> HostPackage:
    return HostPackage(name=dist.metadata["Name"], version=dist.version, digest=content_digest(dist))
