"""The environment in which a task's promises are tried: found or made as for a run of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from envkit.api import DEFAULT_MODEL, EnvError
from envkit.authoring.contract_run import Workplace
from envkit.environments.activation import activated
from envkit.environments.provide import provide_environment
from envkit.machine import read_facts
from envkit.mirrors import hub_environ

if TYPE_CHECKING:
    from collections.abc import Mapping
    from contextlib import ExitStack
    from pathlib import Path

    from envkit.config import Settings
    from envkit.environments.progress import Progress
    from envkit.environments.records import Environment
    from envkit.registry import TaskEntry

# A contract brings its own model, or has a tiny one made.
_NO_MODEL = "none"


def provide_workplace(
    choice: str,
    *,
    entry: TaskEntry,
    site: Path | None,
    settings: Settings,
    progress: Progress,
    environ: Mapping[str, str],
    stack: ExitStack,
) -> tuple[Workplace, str]:
    """Return where a task is tried, and in one line why there; the stack lets go of the environment.

    ``auto`` is the running interpreter where that has all but a model, else what ``envkit run`` would take or make.
    Raises: EnvError, PluginError, MachineError, as a run would.
    """
    progress.step("Looking at this machine")
    facts = read_facts(folders=(settings.home,))

    def provide(choice: str, model: str) -> Environment:
        return provide_environment(
            choice,
            entry=entry,
            model=model,
            facts=facts,
            settings=settings,
            progress=progress,
            environ=environ,
        )

    if choice == "auto":
        try:
            environment = provide("current", _NO_MODEL)
        except EnvError:
            environment = provide("auto", DEFAULT_MODEL)
    else:
        environment = provide(choice, _NO_MODEL)
    stack.callback(environment.release)
    place = Workplace(
        python=str(environment.python),
        environ=activated(environment, hub_environ(settings.model_hub, environ=environ)),
        is_isolated=environment.kind != "current",
        site=site,
        inherited=() if environment.hold is None else (environment.hold.fileno(),),
    )
    return place, environment.reason
