"""Put a choice into words: the reason, and the nearest builds that were not chosen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from envkit.torchbuild.fit import Obstacle, check_driver, cuda_of, name_gpus, usable_gpus
from envkit.torchbuild.records import Rejected

if TYPE_CHECKING:
    from collections.abc import Sequence

    from envkit.machine import Gpu, MachineFacts
    from envkit.torchbuild.candidates import Candidate, Wanted
    from envkit.torchbuild.table import Table

_MOST_REJECTED = 3


def explain_choice(facts: MachineFacts, chosen: Candidate, wanted: Wanted) -> str:
    """Return one sentence: what the machine has, and so which build."""
    lies = f", which lies in {chosen.location}" if chosen.source == "find-links" else ""
    if chosen.variant == "mps":
        return f"This Mac has Apple silicon, so torch computes on its GPU through MPS{lies}."
    gpus = usable_gpus(facts)
    cuda = cuda_of(chosen.variant)
    if gpus and cuda:
        return (
            f"Driver {facts.nvidia.driver_version} is new enough for CUDA {cuda[0]}.{cuda[1]}, and "
            f"torch {chosen.version}{lies}{',' if lies else ''} has kernels for {_every(gpus)}."
        )
    if gpus and chosen.variant != "cpu":
        return f"torch {chosen.version} is a build of your own{lies}; envkit does not know its kernels."
    build = "the CPU build" if cuda is None else f"the CUDA {cuda[0]}.{cuda[1]} build, on the CPU"
    return f"{_why_no_gpu(facts, wanted)}, so {build}{lies}."


def explain_rejected(
    facts: MachineFacts, chosen: Candidate, candidates: Sequence[Candidate], *, table: Table
) -> tuple[Rejected, ...]:
    """Return the nearest builds that would have come first, one for each reason, at most three."""
    rejected: dict[str, tuple[tuple[bool, bool, int], Rejected]] = {}
    better = [each for each in candidates if _comes_first(facts, each, chosen)]
    better.sort(key=lambda each: (each.source == "find-links", each.rank), reverse=True)
    for each in better:
        obstacles = each.obstacles or (_why_not(facts, each, chosen, table),)
        why = "; ".join(obstacle.why for obstacle in obstacles)
        unlocks = [obstacle.unlock for obstacle in obstacles if obstacle.unlock]
        unlock = " and ".join(unlocks) if len(unlocks) == len(obstacles) else None
        entry = Rejected(version=str(each.version), variant=each.variant, why=why, unlock=unlock)
        # What can be unlocked is nearest, then what a user put into find-links, then what little hinders.
        near = (unlock is None, each.source != "find-links", len(obstacles))
        rejected.setdefault(why, (near, entry))
    nearest = sorted(rejected.values(), key=lambda each: each[0])
    return tuple(entry for _, entry in nearest[:_MOST_REJECTED])


def _comes_first(facts: MachineFacts, each: Candidate, chosen: Candidate) -> bool:
    if each.source == "find-links":
        return chosen.source != "find-links" or each.rank > chosen.rank
    if (each.version.public, each.variant) == (chosen.version.public, chosen.variant):
        return False
    if facts.nvidia.gpus and each.is_cuda and not chosen.is_cuda:
        return True
    return each.rank > chosen.rank and (each.is_cuda or not chosen.is_cuda)


def _why_not(facts: MachineFacts, each: Candidate, chosen: Candidate, table: Table) -> Obstacle:
    gpus = usable_gpus(facts)
    if gpus and not each.is_cuda:
        return Obstacle(f"it has no CUDA kernels, and this machine has {name_gpus(gpus)}")
    if each.is_cuda and not gpus:
        if facts.nvidia.gpus and facts.nvidia.driver_version is None:
            missing = check_driver(facts, each.variant, table=table)
            return Obstacle("no NVIDIA driver is loaded", missing.unlock if missing else None)
        if facts.nvidia.gpus:
            start = "start the container with its GPUs: docker run --gpus all"
            mend = start if facts.platform.is_container else "mend the driver; see what nvidia-smi says"
            return Obstacle("the NVIDIA GPU cannot be used from here", mend)
        return Obstacle("it is gigabytes larger, and there is no NVIDIA GPU")
    return Obstacle(
        "a fitting wheel in find-links comes first", f"take {chosen.filename} out of {chosen.location}"
    )


def _why_no_gpu(facts: MachineFacts, wanted: Wanted) -> str:
    nvidia = facts.nvidia
    if not nvidia.gpus:
        return "No NVIDIA GPU was found"
    names = name_gpus(nvidia.gpus)
    if nvidia.driver_version is None:
        return f"GPU present but no driver ({names})"
    if not usable_gpus(facts):
        said = next((each.why for each in facts.unread if each.what == "NVML"), "it does not answer")
        return f"GPU present, but its driver cannot be used from here ({names}; {said})"
    return f"No CUDA build of torch{wanted.specifier} for Python {wanted.python} suits {_every(usable_gpus(facts))}"


def _every(gpus: tuple[Gpu, ...]) -> str:
    return f"{'every GPU here: ' if len(gpus) > 1 else ''}{name_gpus(gpus)}"
