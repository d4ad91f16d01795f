"""Choose the one torch build that fits a machine, and say why. Pure.

The rule: the driver runs the build's CUDA, every physical GPU has kernels in it, a wheel exists for
Python, system and processor, and the requirement holds; of those the newest torch, then the newest CUDA.
A fitting wheel in find-links comes before the indexes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from packaging.specifiers import SpecifierSet
from packaging.version import InvalidVersion, Version

from envkit.api import MachineError
from envkit.torchbuild.candidates import (
    Candidate,
    Wanted,
    check_cuda,
    list_index_builds,
    list_local_builds,
    variant_of,
)
from envkit.torchbuild.explain import explain_choice, explain_rejected
from envkit.torchbuild.fit import cuda_of, name_gpus, usable_gpus
from envkit.torchbuild.records import TORCH_INDEX, TorchBuild
from envkit.torchbuild.table import Table, load_table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from envkit.machine import MachineFacts
    from envkit.torchbuild.records import LocalWheel


def choose_torch_build(
    facts: MachineFacts,
    *,
    specifier: SpecifierSet,
    python: str,
    wheels: Sequence[LocalWheel] = (),
    torch_index: str = TORCH_INDEX,
    table: Table | None = None,
    variant: str | None = None,
) -> TorchBuild:
    """Return the build for this machine, this range of torch and this Python (``3.11``).

    A ``variant`` (``cpu``, ``cu126``) that was asked for is taken, if the machine can run it. Where no NVIDIA GPU is usable, or no build covers every one of them, it is the CPU build; the reason
    says so. Raises: MachineError where not even that fits.
    """
    table = table or load_table()
    wanted = Wanted(specifier=specifier, python=_minor(python))
    candidates = [
        *list_local_builds(facts, wanted, wheels=wheels, table=table),
        *list_index_builds(facts, wanted, torch_index=torch_index, table=table),
    ]
    if variant is not None:
        candidates = [each for each in candidates if each.variant == variant]
        if not candidates:
            raise _no_such_variant(facts, variant, table)
    chosen = _choose(facts, candidates) if variant is None else _newest(candidates)
    if chosen is None:
        raise _nothing_fits(candidates, wanted, table)
    return TorchBuild(
        version=str(chosen.version),
        variant=chosen.variant,
        source=chosen.source,
        location=chosen.location,
        python=wanted.python,
        reason=explain_choice(facts, chosen, wanted)
        if variant is None
        else f"The variant {variant} was asked for.",
        rejected=explain_rejected(facts, chosen, candidates, table=table),
    )


def judge_installed(
    facts: MachineFacts,
    version: str,
    *,
    specifier: SpecifierSet | None = None,
    python: str | None = None,
    table: Table | None = None,
) -> str | None:
    """Return why an installed torch does not suit this machine's NVIDIA GPUs, or None if it does.

    ``version`` is its version string; without a local tag it is taken for the package index's build. A
    CPU build does not suit where a CUDA build exists within ``specifier`` for ``python`` (by default any
    torch, and the Python of the facts). A version that envkit cannot read is not judged.
    """
    table = table or load_table()
    gpus = usable_gpus(facts)
    try:
        installed = Version(version)
    except InvalidVersion:
        return None
    variant = variant_of(installed, facts, table=table)
    if not gpus or variant is None:
        return None
    if variant == "cpu":
        wanted = Wanted(specifier=specifier or SpecifierSet(), python=_minor(python or facts.python.version))
        index = list_index_builds(facts, wanted, torch_index=TORCH_INDEX, table=table)
        if any(each.is_cuda and not each.obstacles for each in index):
            return f"torch {version} is a CPU build, but this machine has {name_gpus(gpus)}"
        return None
    if cuda_of(variant) is None:
        return None
    obstacles = [obstacle.why for obstacle in check_cuda(facts, installed, variant, table=table)]
    return (
        f"torch {version} ({variant}) does not suit this machine: {'; '.join(obstacles)}"
        if obstacles
        else None
    )


def _choose(facts: MachineFacts, candidates: Sequence[Candidate]) -> Candidate | None:
    fitting = [each for each in candidates if not each.obstacles]
    if usable_gpus(facts):
        # A local tag that is no variant of torch's own is somebody's build for this very machine.
        own = [each for each in fitting if each.is_cuda or _is_custom(each)]
        if own:
            return max(own, key=lambda each: (each.source == "find-links", each.is_cuda, each.rank))
        fitting = [each for each in fitting if not each.is_cuda]
    # Without a GPU, a CUDA build runs too but brings gigabytes: only from find-links, and only if need be.
    fitting = [each for each in fitting if not each.is_cuda or each.source == "find-links"]
    return max(
        fitting, key=lambda each: (each.source == "find-links", not each.is_cuda, each.rank), default=None
    )


def _newest(candidates: Sequence[Candidate]) -> Candidate | None:
    fitting = [each for each in candidates if not each.obstacles]
    return max(fitting, key=lambda each: (each.source == "find-links", each.rank), default=None)


def _no_such_variant(facts: MachineFacts, variant: str, table: Table) -> MachineError:
    platform = facts.platform
    here = {row.variant for row in table.builds if row.machine == platform.machine}
    known = sorted({"cpu"} | here) if platform.system == "linux" else ["cpu", "mps"]
    return MachineError(
        f"torch has no variant {variant} for {platform.system} on {platform.machine}",
        hint=f"Known variants: {', '.join(known)}; --torch auto takes the one that fits",
    )


def _is_custom(candidate: Candidate) -> bool:
    return (
        candidate.source == "find-links" and not candidate.is_cuda and candidate.variant not in ("cpu", "mps")
    )


def _nothing_fits(candidates: Sequence[Candidate], wanted: Wanted, table: Table) -> MachineError:
    if not any(wanted.specifier.contains(each.version) for each in candidates):
        return MachineError(
            f"no torch up to {table.newest}, the newest that this envkit knows, meets torch{wanted.specifier}",
            hint="Upgrade envkit (pip install --upgrade envkit-ml), "
            "or put the wheel into a folder of find-links.",
        )
    plain = [each for each in candidates if not each.is_cuda] or list(candidates)
    nearest = max(plain, key=lambda each: (-len(each.obstacles), each.rank))
    obstacle = nearest.obstacles[0]
    return MachineError(
        f"no torch build fits this machine: torch {nearest.version} comes nearest, but {obstacle.why}",
        hint=f"{obstacle.unlock[0].upper()}{obstacle.unlock[1:]}." if obstacle.unlock else None,
    )


def _minor(python: str) -> str:
    version = Version(python)
    return f"{version.major}.{version.minor}"
