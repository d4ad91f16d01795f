"""Whether what several packages ask for can be had together, and who disagrees with whom if not. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from envkit.api import EnvError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from packaging.requirements import Requirement
    from packaging.specifiers import SpecifierSet


@dataclass(frozen=True)
class Claim:
    """A requirement, and who asks for it: ``envkit-ner 0.1.0`` or ``--with``."""

    who: str
    requirement: Requirement


class Disagreement(EnvError):
    """Report two claims of which no version is both."""

    def __init__(self, one: Claim, other: Claim) -> None:
        super().__init__(
            f"{one.who} asks for {one.requirement}, and {other.who} for {other.requirement}: "
            f"no version of {canonicalize_name(one.requirement.name)} is both",
            hint="Make an environment for each of the two",
        )
        self.one, self.other = one, other


def check_agreement(claims: Sequence[Claim]) -> None:
    """Check that no two ranges of one package exclude each other. Raises: Disagreement."""
    by_name: dict[str, list[Claim]] = {}
    for claim in claims:
        by_name.setdefault(canonicalize_name(claim.requirement.name), []).append(claim)
    for same in by_name.values():
        for one, other in combinations(same, 2):
            if not _have_common(one.requirement.specifier, other.requirement.specifier):
                raise Disagreement(one, other)


def _have_common(one: SpecifierSet, other: SpecifierSet) -> bool:
    both = one & other
    return any(both.contains(version, prereleases=True) for version in _candidates(both))


def _candidates(both: SpecifierSet) -> Iterator[Version]:
    """Yield a version at, just above and just below each bound: a range that is not empty holds one of them."""
    yield Version("1")
    for specifier in both:
        try:
            bound = Version(specifier.version.removesuffix(".*"))
        except InvalidVersion:  # of ``===``, which may name anything
            continue
        yield bound
        release = list(bound.release)
        prefix = f"{bound.epoch}!" if bound.epoch else ""
        yield Version(f"{prefix}{'.'.join(map(str, release))}.0.1")
        yield Version(f"{prefix}{'.'.join(map(str, [*release[:-1], release[-1] + 1]))}")
        if bound.pre:
            yield Version(f"{prefix}{'.'.join(map(str, release))}")
        while release:
            if release[-1] > 0:
                below = [*release[:-1], release[-1] - 1, 999_999]
                yield Version(f"{prefix}{'.'.join(map(str, below))}")
                break
            release.pop()
