"""How a plugin asks for envkit: in bounds that this version is in and one that may break it is not, and for runs."""

from __future__ import annotations

import difflib
import functools
import operator
from typing import TYPE_CHECKING

from packaging.utils import canonicalize_name

from envkit import __version__
from envkit.api.checks import Finding
from envkit.authoring.check_children import HEAVY
from envkit.authoring.host_versions import compatible_versions, first_breaking
from envkit.registry import TaskEntry

if TYPE_CHECKING:
    from collections.abc import Iterator

    from packaging.requirements import Requirement
    from packaging.specifiers import SpecifierSet

    from envkit.authoring.check_subject import Subject

HOST = "envkit-ml"
# What keeps later versions out; != keeps out those alone that it names.
_UPPER = ("<", "<=", "==", "===", "~=")


def check_requirement(subject: Subject) -> Iterator[Finding]:
    """Look at how envkit-ml is asked for: with an upper bound, and so that this one fits."""
    found = [each for each in subject.requirements if _is_host(each) and not _extra_of(each)]
    if not found:
        summary = f"it does not ask for {HOST}"
    else:
        summary = bounds_fault(functools.reduce(operator.and_, (each.specifier for each in found)))
    if summary:
        yield Finding(
            severity="error",
            summary=summary,
            evidence=(subject.place("dependencies", f"Requires-Dist: {HOST}"),),
            fix=f'In pyproject.toml: dependencies = ["{HOST}{compatible_versions()}"]',
        )


def bounds_fault(bounds: SpecifierSet, *, version: str = __version__) -> str:
    """Return what is wrong with a range of envkit, of which ``version`` is here; empty for nothing."""
    upper = [each for each in bounds if each.operator in _UPPER]
    breaking = first_breaking(version)
    shown = f"it asks for {HOST}{bounds}"
    if not upper:
        return f"{shown}, without an upper bound: an envkit of another API may break it"
    # Each on its own, as all have to be met: one that leaves out this version and all after it is enough.
    if all(each.contains(breaking, prereleases=True) for each in upper):
        return f"{shown}, which takes in {HOST} {breaking} too: that may break it"
    if not bounds.contains(version, prereleases=True):
        return f"{shown}, and this is {HOST} {version}"
    return ""


def check_train_extra(subject: Subject) -> Iterator[Finding]:
    """Look at the extra ``train``: what envkit installs in the environment of a run."""
    if not any(isinstance(entry, TaskEntry) for entry in subject.entries):
        return
    yield from _heavy_on_the_host(subject)
    extras = {canonicalize_name(str(name)) for name in subject.fields.get_all("Provides-Extra") or ()}
    if "train" not in extras:
        near = difflib.get_close_matches("train", sorted(extras), n=1)
        meant = f"; is {near[0]} meant for it?" if near else ""
        host = f"{HOST}[finetune]{compatible_versions()}"
        yield Finding(
            severity="error",
            summary=f"there is no extra train, so a run's environment gets nothing{meant}",
            evidence=(subject.place("train", "Provides-Extra"),),
            fix=f'In pyproject.toml, [project.optional-dependencies]: train = ["{host}"]',
        )


def _heavy_on_the_host(subject: Subject) -> Iterator[Finding]:
    """Yield a finding for each requirement that all users would have beside envkit, and only a run needs."""
    heavy = {canonicalize_name(name) for name in (*HEAVY, "scikit-learn")}
    for each in subject.requirements:
        if canonicalize_name(each.name) in heavy and not _extra_of(each):
            yield Finding(
                severity="error",
                summary=f"it asks for {each.name} in dependencies, and only a run's environment needs it",
                evidence=(subject.place("dependencies", f"Requires-Dist: {each.name}"),),
                fix=f'In pyproject.toml, [project.optional-dependencies]: train = [..., "{each}"]',
            )


def _is_host(requirement: Requirement) -> bool:
    return canonicalize_name(requirement.name) == HOST


def _extra_of(requirement: Requirement) -> bool:
    return requirement.marker is not None and "extra" in str(requirement.marker)
