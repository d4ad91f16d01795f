"""Choose the torch build also where nobody asks for torch and a package brings it along.

Left to an installer it would be the package index's own build: gigabytes of CUDA on a machine without a GPU,
or one that the driver cannot run.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from packaging.specifiers import SpecifierSet

from envkit.api import DEFAULT_MODEL, EnvError, MachineError
from envkit.environments.plan import plan_environment

if TYPE_CHECKING:
    from collections.abc import Sequence

    from envkit.environments.plan import Plan, Planning
    from envkit.environments.progress import Progress
    from envkit.environments.records import EnvRecord, EnvSpec, WheelPackage

# What the channels of conda call torch.
_OF_CONDA = frozenset({"pytorch", "torch"})


def plan_with_torch(
    name: str,
    spec: EnvSpec,
    *,
    planning: Planning,
    progress: Progress,
    prefer: EnvRecord | None = None,
    model: str = DEFAULT_MODEL,
    wheels: Sequence[WheelPackage] = (),
) -> Plan:
    """Return the plan of ``plan_environment``, in which a torch that packages bring along is chosen as well.

    To know whether they do, all is resolved once where nobody asks for torch. The newest torch that they take
    is the bound: the build is the one that fits the machine up to there and that they take, or the record's.
    ``wheels`` are files that a pylock names. Raises: what ``plan_environment`` and resolving raise.
    """

    def plan_for(torch: SpecifierSet | None, keeping: EnvRecord | None = prefer) -> Plan:
        return plan_environment(
            name,
            spec,
            planning=planning,
            progress=progress,
            prefer=keeping,
            model=model,
            torch_brought=torch,
        )

    def find_torch(plan: Plan) -> str | None:
        from envkit.environments.pinned import around_wheels  # a plan with a torch resolves nothing
        from envkit.environments.resolve import find_brought

        around = around_wheels(plan, wheels, planning=planning)
        if around is None:
            return None
        versions = {} if prefer is None else prefer.installed
        return find_brought("torch", around, planning=planning, prefer=versions, progress=progress)

    plan = plan_for(None)
    if plan.torch is not None or any(package.name in _OF_CONDA for package in plan.base.packages):
        return plan
    found = find_torch(plan)
    if found is None:
        return plan
    newest = _public(found)
    anew = None if prefer is None else msgspec.structs.replace(prefer, torch=None)
    failures: list[EnvError | MachineError] = []
    ways = [(f"<={newest}", anew), (f"=={newest}", anew)]
    if prefer is not None and prefer.torch is not None:
        ways.insert(0, (f"<={newest}", prefer))
    for bound, keeping in ways:
        try:
            chosen = plan_for(SpecifierSet(bound), keeping)
            if chosen.torch is not None and _public(chosen.torch.version) != newest:
                find_torch(chosen)  # an older one than what was resolved may be too old for the packages
            return chosen
        except (EnvError, MachineError) as error:
            failures.append(error)
    raise failures[0]


def _public(version: str) -> str:
    """Return a version without the local tag that tells variants apart."""
    return version.partition("+")[0]
