"""Say which environment a run would get, and make none."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from importlib import metadata
from typing import TYPE_CHECKING, Literal

from envkit.environments.fitness import why_unfit
from envkit.environments.order import automatic_name, choose, wanted_of
from envkit.environments.provide import current_environment, named_environment
from envkit.environments.records import describe_record
from envkit.environments.requirements import installed_for, minor_version
from envkit.environments.run_order import run_order
from envkit.environments.store import list_environments

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from importlib.metadata import Distribution

    from envkit.config import Settings
    from envkit.environments.records import EnvRecord
    from envkit.machine import MachineFacts
    from envkit.registry import TaskEntry
    from envkit.torchbuild import TorchBuild


@dataclass(frozen=True, kw_only=True)
class Foreseen:
    """What ``provide_environment`` would return: ``kind`` is ``current``, ``made`` or ``to be made``.

    ``torch`` is the build that it would be made with; of one that is there, ``installed`` is its version.
    """

    kind: Literal["current", "made", "to be made"]
    name: str
    reason: str
    torch: TorchBuild | None = None
    installed: str | None = None


def foresee_environment(
    choice: str,
    *,
    entry: TaskEntry,
    model: str,
    facts: MachineFacts,
    settings: Settings,
    host_extras: frozenset[str] = frozenset(),
    environ: Mapping[str, str] = os.environ,
    find_distribution: Callable[[str], Distribution] = metadata.distribution,
    is_elsewhere: bool = False,
) -> Foreseen:
    """Return which environment a run of this task would get, and make none; arguments and errors as there.

    With ``is_elsewhere`` the facts are another machine's, whose environments nobody knows.
    """
    order = run_order(
        entry,
        model=model,
        facts=facts,
        settings=settings,
        host_extras=host_extras,
        environ=environ,
        find_distribution=find_distribution,
    )
    if not is_elsewhere and choice in ("auto", "current"):
        current = current_environment(order, is_asked=choice == "current")
        if current is not None:
            torch = installed_for(order.needs(facts.python.version), find_distribution=find_distribution)
            return Foreseen(
                kind="current", name="current", reason=current.reason, installed=torch.get("torch")
            )
    elif not is_elsewhere:
        named = named_environment(choice, order, is_look=True)
        named.release()
        assert named.record is not None
        return _foreseen(named.name, named.record)
    spec = order.spec()
    planning = replace(order.planning, is_planned_from_afar=is_elsewhere)
    wanted = choose(spec, planning=planning, model=model)
    name = automatic_name(spec, wanted)
    if not is_elsewhere:
        fit = wanted_of(name, wanted, planning=planning)
        for stored in list_environments(order.planning.home):
            # Without being held, which would count as a use.
            if stored.name == name and why_unfit(stored.prefix, stored.record, fit) is None:
                return _foreseen(name, stored.record)
    return Foreseen(
        kind="to be made",
        name=name,
        reason=f"for Python {minor_version(wanted.version)}",
        torch=wanted.torch,
    )


def _foreseen(name: str, record: EnvRecord) -> Foreseen:
    return Foreseen(
        kind="made",
        name=name,
        reason=f"made before: {describe_record(record)}",
        torch=record.torch,
        installed=record.installed.get("torch"),
    )
