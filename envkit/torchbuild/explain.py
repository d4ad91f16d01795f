"""Put a choice into words: the reason, and the nearest builds that were not chosen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from envkit.torchbuild.accelerators import MAKERS, accelerated_gpus
from envkit.torchbuild.fit import Obstacle, check_driver, cuda_of, has_mps, name_gpus, usable_gpus
from envkit.torchbuild.installed import families_here, name_family_gpus
from envkit.torchbuild.records import Rejected
from envkit.torchbuild.rows import public_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from envkit.machine import Gpu, MachineFacts
    from envkit.torchbuild.candidates import Candidate, Wanted
    from envkit.torchbuild.rows import Family
    from envkit.torchbuild.table import Table

_MOST_REJECTED = 3


def explain_choice(facts: MachineFacts, chosen: Candidate, wanted: Wanted, *, table: Table) -> str:
    """Return one sentence: what the machine has, and so which build."""
    lies = f", which lies in {chosen.location}" if chosen.source == "find-links" else ""
    if chosen.variant == "mps" and not has_mps(facts):
        return f"This Mac has Apple silicon, but MPS needs macOS 12.3 or newer, so torch computes on the CPU{lies}."
    if chosen.variant == "mps":
        return f"This Mac has Apple silicon, so torch computes on its GPU through MPS{lies}."
    here = families_here(facts, table=table)
    gpus = usable_gpus(facts)
    cuda = cuda_of(chosen.variant)
    comma = "," if lies else ""
    if gpus and cuda:
        return (
            f"Driver {facts.nvidia.driver_version} is new enough for CUDA {cuda[0]}.{cuda[1]}, and "
            f"torch {chosen.version}{lies}{comma} has kernels for {_every(gpus)}."
        )
    if chosen.family in here and chosen.family is not None:
        names = name_family_gpus(facts, chosen.family, table=table)
        return f"No NVIDIA GPU was found, and torch {chosen.version}{lies}{comma} has kernels for {names}."
    if here and chosen.family is None:
        return f"torch {chosen.version} is a build of your own{lies}; envkit does not know its kernels."
    build = "the CPU build" if chosen.family == "CPU" else "a build of your own"
    if cuda is not None:
        build = f"the CUDA {cuda[0]}.{cuda[1]} build, on the CPU"
    elif chosen.is_accelerated:
        build = f"the {chosen.variant} build, on the CPU"
    if chosen.is_accelerated and not lies:
        build += f", since torch{wanted.specifier} allows no smaller one"
    return f"{_why_no_gpu(facts, wanted, here, table)}, so {build}{lies}."


def explain_rejected(
    facts: MachineFacts, chosen: Candidate, candidates: Sequence[Candidate], *, table: Table
) -> tuple[Rejected, ...]:
    """Return the nearest builds that would have come first, one for each reason, at most three."""
    here = families_here(facts, table=table)
    rejected: dict[str, tuple[tuple[bool, bool, int], Rejected]] = {}
    better = [each for each in candidates if _comes_first(facts, each, chosen, here, table)]
    better.sort(key=lambda each: (each.source == "find-links", each.rank), reverse=True)
    for each in better:
        obstacles = each.obstacles or (_why_not(facts, each, chosen, here, table),)
        why = "; ".join(obstacle.why for obstacle in obstacles)
        if why in rejected:
            continue
        unlocks = [obstacle.unlock for obstacle in obstacles if obstacle.unlock]
        needs = [obstacle.needs for obstacle in obstacles if obstacle.needs]
        is_open = len(unlocks) == len(obstacles)
        entry = Rejected(
            version=str(each.version),
            variant=each.variant,
            why=why,
            unlock=" and ".join(unlocks) if is_open else None,
            needs=" and ".join(needs) if is_open and len(needs) == len(obstacles) else None,
        )
        # What can be unlocked is nearest, then what a user put into find-links, then what little hinders.
        rejected[why] = ((not is_open, each.source != "find-links", len(obstacles)), entry)
    nearest = sorted(rejected.values(), key=lambda each: each[0])
    return tuple(entry for _, entry in nearest[:_MOST_REJECTED])


def _comes_first(
    facts: MachineFacts, each: Candidate, chosen: Candidate, here: tuple[Family, ...], table: Table
) -> bool:
    if each.source == "find-links":
        return chosen.source != "find-links" or each.rank > chosen.rank
    if each.variant == chosen.variant and public_of(each.version) == public_of(chosen.version):
        return False
    if each.family in MAKERS:  # of no interest where no such GPU is
        if not accelerated_gpus(facts, each.family, table=table):
            return False
        return not chosen.is_accelerated or (each.family == chosen.family and each.rank > chosen.rank)
    if facts.nvidia.gpus and each.is_cuda and not chosen.is_cuda:
        return True
    if chosen.family in MAKERS:
        return False
    return each.rank > chosen.rank and (each.is_cuda or not chosen.is_cuda)


def _why_not(
    facts: MachineFacts, each: Candidate, chosen: Candidate, here: tuple[Family, ...], table: Table
) -> Obstacle:
    gpus = usable_gpus(facts)
    if here and each.family not in here and each.family is not None:
        kernels = "CUDA kernels" if gpus else "kernels for them"
        maker = f", being for GPUs of {MAKERS[each.family]}" if each.family in MAKERS else ""
        names = name_family_gpus(facts, here[0], table=table)
        return Obstacle(f"it has no {kernels}{maker}, and this machine has {names}")
    if each.is_cuda and not gpus:
        return _why_no_cuda(facts, each, table)
    if each.is_accelerated and each.family not in here:
        return Obstacle(
            f"it is gigabytes larger, and there is no GPU of {MAKERS.get(each.family or '', 'NVIDIA')}"
        )
    return Obstacle(
        "a fitting wheel in find-links comes first", f"take {chosen.filename} out of {chosen.location}"
    )


def _why_no_cuda(facts: MachineFacts, each: Candidate, table: Table) -> Obstacle:
    if facts.nvidia.gpus and facts.nvidia.driver_version is None:
        missing = check_driver(facts, each.variant, table=table)
        return Obstacle(
            "no NVIDIA driver is loaded",
            None if missing is None else missing.unlock,
            None if missing is None else missing.needs,
        )
    if facts.nvidia.gpus:
        start = "start the container with its GPUs: docker run --gpus all"
        mend = start if facts.platform.is_container else "mend the driver; see what nvidia-smi says"
        return Obstacle("the NVIDIA GPU cannot be used from here", mend, "a driver that answers")
    return Obstacle("it is gigabytes larger, and there is no NVIDIA GPU")


def _why_no_gpu(facts: MachineFacts, wanted: Wanted, here: tuple[Family, ...], table: Table) -> str:
    nvidia = facts.nvidia
    if not nvidia.gpus and not here:
        return "No NVIDIA GPU was found"
    if not nvidia.gpus:
        kinds = " or ".join(here)
        names = name_family_gpus(facts, here[0], table=table)
        return f"No {kinds} build of torch{wanted.specifier} for Python {wanted.python} suits {names}"
    names = name_gpus(nvidia.gpus)
    if nvidia.driver_version is None:
        return f"GPU present but no driver ({names})"
    if not usable_gpus(facts):
        said = next((each.why for each in facts.unread if each.what == "NVML"), "it does not answer")
        return f"GPU present, but its driver cannot be used from here ({names}; {said})"
    return f"No CUDA build of torch{wanted.specifier} for Python {wanted.python} suits {_every(usable_gpus(facts))}"


def _every(gpus: tuple[Gpu, ...]) -> str:
    return f"{'every GPU here: ' if len(gpus) > 1 else ''}{name_gpus(gpus)}"
