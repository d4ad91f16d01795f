"""The surroundings of a plan: the machine that an environment is for, settings, tasks and backends."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING

from envkit.environments.backends import load_backend
from envkit.environments.requirements import find_installed
from envkit.pip_configuration import read_pip_configuration
from envkit.torchbuild import local_wheels

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from importlib.metadata import Distribution
    from pathlib import Path

    from envkit.api import EnvironmentBackend
    from envkit.config import Settings
    from envkit.machine import MachineFacts
    from envkit.pip_configuration import PipConfiguration
    from envkit.registry import TaskEntry
    from envkit.torchbuild.records import LocalWheel


def _find_task(name: str) -> TaskEntry:
    from envkit.registry import find_task  # for tasks alone

    return find_task(name)


@dataclass(frozen=True, kw_only=True)
class Planning:
    """The surroundings of a plan.

    ``facts`` are those of the machine that the environment is for; ``here`` those of the machine that makes
    it, None where that is the same one. ``is_planned_from_afar`` tells that the other one was described by a file
    of facts: folders of find-links on this disk say nothing of those that it has.
    """

    facts: MachineFacts
    home: Path
    torch_index: str
    environ: Mapping[str, str]
    settings: Settings
    here: MachineFacts | None = None
    is_planned_from_afar: bool = False
    find_distribution: Callable[[str], Distribution] = find_installed
    find_task: Callable[[str], TaskEntry] = field(default=_find_task)
    # Looking through all that is installed for backends once is enough.
    find_backend: Callable[[str], EnvironmentBackend] = field(
        default_factory=lambda: cache(load_backend), compare=False
    )

    def pip_configuration(self) -> PipConfiguration:
        """Return what pip is told here, with envkit's own package index in its place. Raises: EnvError."""
        return read_pip_configuration(environ=self.environ, package_index=self.settings.package_index)

    def torch_wheels(self) -> list[LocalWheel] | None:
        """Return the torch wheels in folders of find-links, None where those of the machine cannot be looked into.

        Where no index is asked there is nothing else to choose from. Raises: EnvError.
        """
        configuration = self.pip_configuration()
        if self.is_planned_from_afar and not configuration.no_index:
            return None
        return local_wheels(configuration.find_links)
