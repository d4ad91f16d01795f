"""What a run asks of its environment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from envkit import registry
from envkit.environments.lacking import find_lacking_model
from envkit.environments.order import model_packages, needs_of
from envkit.environments.planning import Planning
from envkit.environments.records import EnvSpec

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from importlib.metadata import Distribution

    from envkit.config import Settings
    from envkit.environments.requirements import Needs
    from envkit.machine import MachineFacts
    from envkit.registry import TaskEntry


@dataclass(frozen=True, kw_only=True)
class RunOrder:
    """A task, its model and the extras that its data call for: what an environment is provided for."""

    entry: TaskEntry
    model: str
    host_extras: frozenset[str]
    planning: Planning

    def needs(self, python: str) -> Needs:
        """Return what the task needs on this Python. Raises: PluginError."""
        return needs_of(self.entry, python=python, planning=self.planning, host_extras=self.host_extras)

    def lacking_model(self, needs: Needs, *, search_path: list[str]) -> list[str]:
        """Return in words that the model is lacking; empty where it is found on the path."""
        packages = model_packages(needs, self.model, environ=self.planning.environ)
        return find_lacking_model(
            packages, self.model, environ=self.planning.environ, search_path=search_path
        )

    @property
    def can_ask_hub(self) -> bool:
        """Tell whether a model that is nowhere on this machine may be fetched from the model hub."""
        return self.planning.environ.get("HF_HUB_OFFLINE", "").lower() not in ("1", "on", "yes", "true")

    def spec(self) -> EnvSpec:
        """Return the environment that is made for it where none serves."""
        return EnvSpec(
            backend=self.planning.settings.backend,
            tasks=(self.entry.name,),
            host_extras=tuple(sorted(self.host_extras)),
        )


def run_order(
    entry: TaskEntry,
    *,
    model: str,
    facts: MachineFacts,
    settings: Settings,
    host_extras: frozenset[str],
    environ: Mapping[str, str],
    find_distribution: Callable[[str], Distribution],
) -> RunOrder:
    """Return the order of a run of this task on the machine of the facts."""
    planning = Planning(
        facts=facts,
        home=settings.home.absolute(),
        torch_index=settings.torch_index,
        environ=environ,
        settings=settings,
        find_distribution=find_distribution,
        # The plugin is loaded already: its entry need not be looked for again.
        find_task=lambda name: entry if name == entry.name else registry.find_task(name),
    )
    return RunOrder(entry=entry, model=model, host_extras=host_extras, planning=planning)
