"""Choose the one torch build that fits a machine, and say why. Pure.

The rule: the driver runs the build's CUDA, every physical GPU has kernels in it, a wheel exists for
Python, system and processor, and the requirement holds; of those the newest torch, then the newest CUDA.
A fitting wheel in find-links comes before the indexes. AMD's and Intel's GPUs count where there is none of
NVIDIA's, in this order.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace
from packaging.version import InvalidVersion, Version

from envkit.api import MachineError
from envkit.torchbuild.candidates import Candidate, Wanted, list_index_builds, list_local_builds
from envkit.torchbuild.endings import find_endings
from envkit.torchbuild.explain import explain_choice, explain_rejected
from envkit.torchbuild.families import explain_families
from envkit.torchbuild.installed import families_here
from envkit.torchbuild.limits import is_beyond, is_proven, notes_on
from envkit.torchbuild.records import TORCH_INDEX, TorchBuild
from envkit.torchbuild.rows import minor_of
from envkit.torchbuild.table import Table, load_table
from envkit.torchbuild.variants import machine_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from packaging.specifiers import SpecifierSet

    from envkit.machine import MachineFacts
    from envkit.torchbuild.records import LocalWheel
    from envkit.torchbuild.rows import Family

_NO_FOLDERS = (
    "Wheels in folders of find-links are left out: those that count lie on the other machine, where envkit torch "
    "sees them."
)


def choose_torch_build(
    facts: MachineFacts,
    *,
    specifier: SpecifierSet,
    python: str,
    wheels: Sequence[LocalWheel] | None = (),
    torch_index: str = TORCH_INDEX,
    table: Table | None = None,
    variant: str | None = None,
) -> TorchBuild:
    """Return the build for this machine, this range of torch and this Python (``3.11``).

    ``wheels`` is None where nobody can look into the folders of find-links, as they are another machine's; a note
    says so. A ``variant`` (``cpu``, ``cu126``) that was asked for is taken, if the machine can run it. Where no GPU is
    usable, or no build covers every one of them, it is the CPU build; the reason says so. Raises: MachineError where
    not even that fits, with the reason for each family of builds.
    """
    table = table or load_table()
    wanted = Wanted(specifier=specifier, python=minor_of(Version(python)))
    candidates = [
        *list_local_builds(facts, wanted, wheels=wheels or (), table=table),
        *list_index_builds(facts, wanted, torch_index=torch_index, table=table),
    ]
    if variant is not None:
        candidates = [each for each in candidates if each.variant == variant]
        if not candidates:
            raise _no_such_variant(facts, variant, table)
    here = families_here(facts, table=table)
    chosen = _choose(here, candidates) if variant is None else _newest(candidates)
    if chosen is None:
        raise _nothing_fits(facts, candidates, wanted, table)
    build = _describe(facts, chosen, wanted, candidates, table=table, is_asked_for=variant is not None)
    return build if wheels is not None else replace(build, notes=(*build.notes, _NO_FOLDERS))


def _describe(
    facts: MachineFacts,
    chosen: Candidate,
    wanted: Wanted,
    candidates: Sequence[Candidate],
    *,
    table: Table,
    is_asked_for: bool,
) -> TorchBuild:
    platform = facts.platform
    size = table.find_size(
        chosen.version, chosen.variant, system=platform.system, machine=machine_of(platform)
    )
    reason = (
        f"The variant {chosen.variant} was asked for."
        if is_asked_for
        else explain_choice(facts, chosen, wanted, table=table)
    )
    return TorchBuild(
        version=str(chosen.version),
        variant=chosen.variant,
        source=chosen.source,
        location=chosen.location,
        python=wanted.python,
        reason=reason,
        rejected=explain_rejected(facts, chosen, candidates, table=table),
        download=None if size is None else size.download,
        disk=None if size is None else size.disk,
        is_size_estimate=size is None or size.is_estimate,
        endings=find_endings(facts, chosen, wanted, table=table),
        is_beyond_table=is_beyond(facts, chosen, table=table),
        is_proven=is_proven(facts, chosen, table=table),
        notes=notes_on(facts, chosen, table=table),
    )


def _choose(here: tuple[Family, ...], candidates: Sequence[Candidate]) -> Candidate | None:
    fitting = [each for each in candidates if not each.obstacles]
    if here:
        # A local tag that is no variant of torch's own is somebody's build for this very machine.
        own = [each for each in fitting if each.family in here or _is_custom(each)]
        if own:
            return max(
                own, key=lambda each: (each.source == "find-links", *_preference(each, here), each.rank)
            )
        fitting = [each for each in fitting if not each.is_accelerated]
    # Without a GPU, a CUDA build runs too but brings gigabytes: only if need be, or from find-links.
    small = [each for each in fitting if not each.is_accelerated or each.source == "find-links"]
    fitting = small or fitting
    return max(
        fitting,
        key=lambda each: (each.source == "find-links", not each.is_accelerated, each.rank),
        default=None,
    )


def _preference(candidate: Candidate, here: tuple[Family, ...]) -> tuple[bool, int]:
    """Return the order among builds for GPUs: known before one's own, then as the families stand."""
    family = candidate.family
    return (True, -here.index(family)) if family in here else (False, 0)


def _newest(candidates: Sequence[Candidate]) -> Candidate | None:
    fitting = [each for each in candidates if not each.obstacles]
    return max(fitting, key=lambda each: (each.source == "find-links", each.rank), default=None)


def _no_such_variant(facts: MachineFacts, variant: str, table: Table) -> MachineError:
    platform = facts.platform
    system, machine = platform.system, machine_of(platform)
    known = {row.variant for row in table.builds if row.machine == machine and system in row.systems}
    known |= {row.variant for row in table.defaults if row.system == system and machine in row.machines}
    return MachineError(
        f"torch has no variant {variant} for {system} on {platform.machine}",
        hint=f"Known variants: {', '.join(sorted(known)) or 'none'}; --torch auto takes the one that fits",
    )


def _is_too_old(specifier: SpecifierSet, table: Table) -> bool:
    """Tell whether a bound of a range leaves out all that the table knows, for being too new."""
    for bound in specifier:
        try:
            version = Version(bound.version.removesuffix(".*"))
        except InvalidVersion:  # of ===, which takes any word
            continue
        if bound.operator == "<" and version <= table.oldest:
            return True
        is_upper = bound.operator in ("<=", "==", "===", "~=")
        if is_upper and version < table.oldest and not bound.contains(table.oldest):
            return True
    return False


def _is_custom(candidate: Candidate) -> bool:
    return candidate.source == "find-links" and candidate.family is None


def _nothing_fits(
    facts: MachineFacts, candidates: Sequence[Candidate], wanted: Wanted, table: Table
) -> MachineError:
    if not any(wanted.specifier.contains(each.version) for each in candidates):
        if _is_too_old(wanted.specifier, table):
            oldest = minor_of(table.oldest)
            return MachineError(
                f"no torch that this envkit knows meets torch{wanted.specifier}: its table begins at torch {oldest}",
                hint=f"Ask for torch>={oldest}, or put the older wheel into a folder of find-links: "
                "export PIP_FIND_LINKS=FOLDER",
            )
        from envkit.owner import upgrade_command  # for an error alone

        return MachineError(
            f"no torch up to {table.newest}, the newest that this envkit knows, meets torch{wanted.specifier}",
            hint="Put the wheel into a folder of find-links: export PIP_FIND_LINKS=FOLDER\n"
            f"Or upgrade envkit: {upgrade_command()}",
        )
    plain = [each for each in candidates if not each.is_accelerated] or list(candidates)
    nearest = max(plain, key=lambda each: (-len(each.obstacles), each.rank))
    obstacle = nearest.obstacles[0]
    families = "; ".join(
        f"{family}: {why}" for family, why in explain_families(facts, candidates, table=table)
    )
    return MachineError(
        f"no torch build fits this machine: torch {nearest.version} comes nearest, but {obstacle.why}. {families}",
        hint=f"{obstacle.unlock[0].upper()}{obstacle.unlock[1:]}." if obstacle.unlock else None,
    )
