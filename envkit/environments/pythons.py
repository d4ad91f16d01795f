"""The Pythons that an environment may be made of, and the words where none serves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from envkit.api import EnvError
from envkit.environments.requirements import minor_version
from envkit.environments.spec_words import read_python

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from packaging.specifiers import SpecifierSet

    from envkit.environments.records import EnvSpec
    from envkit.machine import MachineFacts
    from envkit.registry import TaskEntry

# The minor versions that a backend which brings Python itself is asked for, the newest known last.
_NEWEST_MINOR = 14


def pythons_in_reach(
    asked: SpecifierSet, *, here: MachineFacts, uses_interpreters: bool
) -> Iterator[tuple[str, str]]:
    """Yield paths and versions of the Pythons that may be taken, the preferred first.

    Paths are empty for a backend that brings Python itself, rather than use an interpreter of this machine.
    """
    running = here.python
    if uses_interpreters:
        yield running.path, running.version
        yield from ((each.path, each.version) for each in here.interpreters)
        return
    minors = [f"3.{minor}" for minor in range(_NEWEST_MINOR, 7, -1)]
    minors += [f"3.{minor}" for minor in range(_NEWEST_MINOR + 1, 31)]  # only where nothing older is in range
    preferred = minor_version(running.version)
    for minor in dict.fromkeys([preferred, *minors]):
        if may_be_in(minor, asked):
            yield "", minor


def may_be_in(version: str, ranges: SpecifierSet) -> bool:
    """Tell whether a version, known to its minor part at least, can be in the range."""
    if version.count(".") >= 2:
        return ranges.contains(version, prereleases=True)
    return any(ranges.contains(f"{version}.{patch}", prereleases=True) for patch in range(60))


def no_python(
    spec: EnvSpec,
    entries: Sequence[TaskEntry],
    ranges: SpecifierSet,
    places: Sequence[tuple[str, str]],
    *,
    uses_interpreters: bool,
) -> EnvError:
    """Return the error for tasks that no Python in reach serves."""
    who = " and ".join(map(str, entries)) or "the environment"
    there = ", ".join(version for _, version in places) or "none that fits"
    if uses_interpreters:
        hint = "Install such a Python so that it is found on PATH; none is downloaded unasked"
        asked = str(read_python(spec.python)).split(",")
        if spec.python and (others := ",".join(sorted(set(str(ranges).split(",")) - set(asked)))):
            what = f"Python {spec.python} was asked for, and {who} needs {others}"
            return EnvError(f"{what}; on PATH there is {there}", hint=hint)
        return EnvError(f"{who} needs Python {ranges}; on PATH there is {there}", hint=hint)
    return EnvError(f"{who} needs Python {ranges}, and {spec.python or 'none'} was asked for")
