"""Choose the torch build also where nobody asks for torch and a package brings it along.

Left to an installer it would be the package index's own build: gigabytes of CUDA on a machine without a GPU,
or one that the driver cannot run.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from packaging.specifiers import SpecifierSet

from envkit.api import DEFAULT_MODEL
from envkit.environments.pinned import around_wheels
from envkit.environments.plan import plan_environment
from envkit.environments.resolve import find_brought

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
    is the bound: the build is the one that fits the machine up to there, or the record's where they take that.
    ``wheels`` are files that a pylock names. Raises: what ``plan_environment`` and resolving raise.
    """
    plan = plan_environment(name, spec, planning=planning, progress=progress, prefer=prefer, model=model)
    if plan.torch is not None or any(package.name in _OF_CONDA for package in plan.base.packages):
        return plan
    unpinned = around_wheels(plan, wheels, planning=planning)
    if unpinned is None:
        return plan
    versions = {} if prefer is None else dict(prefer.installed)
    kept = "" if prefer is None or prefer.torch is None else prefer.torch.version.partition("+")[0]
    if kept:
        versions["torch"] = kept  # a version with a local tag is not in the package index
    found = find_brought("torch", unpinned, planning=planning, prefer=versions, progress=progress)
    if found is None:
        return plan
    newest = found.partition("+")[0]
    if prefer is not None and newest != kept:
        prefer = msgspec.structs.replace(prefer, torch=None)  # what is asked for now takes it no longer
    return plan_environment(
        name,
        spec,
        planning=planning,
        progress=progress,
        prefer=prefer,
        model=model,
        torch_brought=SpecifierSet(f"<={newest}"),
    )
