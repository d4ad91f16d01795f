"""Judge a torch that is installed already. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from packaging.specifiers import SpecifierSet
from packaging.version import InvalidVersion, Version

from envkit.torchbuild.accelerators import MAKERS, accelerated_gpus, name_accelerators
from envkit.torchbuild.candidates import Wanted, check_gpus, list_index_builds, variant_of
from envkit.torchbuild.fit import name_gpus, usable_gpus
from envkit.torchbuild.records import TORCH_INDEX
from envkit.torchbuild.rows import minor_of
from envkit.torchbuild.table import Table, load_table
from envkit.torchbuild.variants import family_of

if TYPE_CHECKING:
    from envkit.machine import MachineFacts
    from envkit.torchbuild.rows import Family


def judge_installed(
    facts: MachineFacts,
    version: str,
    *,
    specifier: SpecifierSet | None = None,
    python: str | None = None,
    table: Table | None = None,
) -> str | None:
    """Return why an installed torch does not suit this machine's GPUs, or None if it does.

    ``version`` is its version string; without a local tag it is taken for the package index's build. A build
    that leaves the GPUs to themselves (a CPU build, one for another maker's) does not suit where one that computes
    on them exists within ``specifier`` for ``python`` (by default any torch, and the Python of the facts). A
    version that envkit cannot read is not judged.
    """
    table = table or load_table()
    try:
        installed = Version(version)
    except InvalidVersion:
        return None
    variant = variant_of(installed, facts, table=table)
    family = None if variant is None else family_of(variant)
    here = families_here(facts, table=table)
    if variant is None or family is None or not here:
        return None
    if family in here:
        found = list(check_gpus(facts, installed, variant, table=table))
        whys = "; ".join(obstacle.why for obstacle in found)
        return f"torch {version} ({variant}) does not suit this machine: {whys}" if found else None
    wanted = Wanted(
        specifier=specifier or SpecifierSet(), python=minor_of(Version(python or facts.python.version))
    )
    index = list_index_builds(facts, wanted, torch_index=TORCH_INDEX, table=table)
    better = {each.family for each in index if each.family in here and not each.obstacles}
    missed = next((each for each in here if each in better), None)
    if missed is None:
        return None
    kind = {"CPU": "a CPU build", "CUDA": "built for NVIDIA GPUs"}.get(family)
    kind = kind or f"built for GPUs of {MAKERS.get(family, 'Apple')}"
    return f"torch {version} is {kind}, but this machine has {name_family_gpus(facts, missed, table=table)}"


def families_here(facts: MachineFacts, *, table: Table) -> tuple[Family, ...]:
    """Return the families whose GPUs can be used here, the preferred first; none where the CPU is all there is."""
    if usable_gpus(facts):
        return ("CUDA",)
    others: tuple[Family, ...] = ("ROCm", "XPU")
    return tuple(family for family in others if accelerated_gpus(facts, family, table=table))


def name_family_gpus(facts: MachineFacts, family: Family, *, table: Table) -> str:
    """Return the GPUs that a family computes on, for a sentence."""
    if family == "CUDA":
        return name_gpus(usable_gpus(facts))
    return name_accelerators(accelerated_gpus(facts, family, table=table))
