"""How an environment that is there differs from the one that is planned."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import msgspec
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from envkit.environments.prefixes import why_moved
from envkit.environments.requirements import minor_version
from envkit.environments.spec_words import parse_requirement, spell_requirement
from envkit.environments.store import installed_in, python_of
from envkit.environments.torch_source import why_other_torch
from envkit.environments.wheel_origin import find_rebuilt

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from packaging.requirements import Requirement

    from envkit.api import Base
    from envkit.environments.plan import Plan
    from envkit.environments.records import EnvRecord, EnvSpec, HostPackage


def why_unplanned(prefix: Path, record: EnvRecord, plan: Plan, *, is_change: bool) -> str | None:
    """Return the first thing that is not as planned, None where it serves.

    With ``is_change`` it has to be what would be made now: the same words asked for, the same base, and the
    same versions where they are locked.
    """
    return next(_differences(prefix, record, plan, is_change=is_change), None)


def find_missing(record: EnvRecord, plan: Plan) -> list[str]:
    """Return what was to be installed and is not in the environment, or in another version."""
    missing = [text for text in _asked(plan) if not _is_met(text, record)]
    names = [*(dist.metadata["Name"] for dist in plan.distributions), *(each.name for each in plan.locked)]
    return missing + [name for name in names if canonicalize_name(name) not in record.installed]


def _differences(prefix: Path, record: EnvRecord, plan: Plan, *, is_change: bool) -> Iterator[str]:
    if not os.access(python_of(prefix), os.X_OK):
        yield "its Python is gone"
    if (moved := why_moved(prefix, record)) is not None:
        yield moved
    if record.backend != plan.base.backend:
        yield f"it is of the kind {record.backend}"
    if minor_version(record.python) != minor_version(plan.base.python):
        yield f"it has Python {record.python}"
    yield from _host_differences(record, plan)
    if (other := why_other_torch(prefix, record, plan.torch)) is not None:
        yield other
    for name, wheel in find_rebuilt(prefix, plan.requirements):
        yield f"its {name} is not the one in {wheel}"
    if record.lock != plan.lock:
        yield "it was made from another lock" if record.lock else "it was not made from the lock"
    there = installed_in(prefix)
    gone = [name for name, version in record.installed.items() if there.get(name) != version]
    if gone:
        yield f"packages in it were changed: {', '.join(gone[:3])}"
    lacking = [text for text in _asked(plan) if not _is_met(text, record)]
    if lacking:
        yield f"it lacks {', '.join(lacking)}"
    if is_change:
        yield from _exact_differences(record, plan, there)


def _host_differences(record: EnvRecord, plan: Plan) -> Iterator[str]:
    inside: dict[str, HostPackage] = {each.name: each for each in record.plugins}
    if record.envkit is not None:
        inside[record.envkit.name] = record.envkit
    for now in (*([plan.envkit] if plan.envkit else []), *plan.plugins):
        was = inside.get(now.name)
        if was is None:
            yield f"it lacks {now.name}"
        elif was.digest != now.digest:
            changed = f"{was.version} became {now.version}" if was.version != now.version else "has changed"
            yield f"{now.name} {changed}"


def _exact_differences(record: EnvRecord, plan: Plan, there: Mapping[str, str]) -> Iterator[str]:
    if not is_same_spec(record.spec, plan.spec):
        yield "what is asked for has changed"
    if not is_same_base(record.base, plan.base):
        yield "its base has changed"
    if set(_spelled(record.asked)) != set(_spelled(plan.requirements)):
        yield "what its tasks need has changed"
    for package in plan.locked:
        if package.source == "host":
            continue
        found = there.get(package.name)
        if not package.version:  # of a folder, whose version only its build tells
            if found is None:
                yield f"it lacks {package.name}"
        elif found != package.version:
            yield f"{package.name} {found or 'not there'} becomes {package.version}"


def is_same_spec(one: EnvSpec, other: EnvSpec) -> bool:
    """Tell whether two specs ask for the same, in whatever order and spelling; of channels the first goes before."""
    return _ordered(one) == _ordered(other)


def _ordered(spec: EnvSpec) -> EnvSpec:
    return msgspec.structs.replace(
        spec,
        tasks=tuple(sorted(spec.tasks)),
        packages=_spelled(spec.packages),
        base_packages=tuple(sorted(spec.base_packages)),
        model_packages=_spelled(spec.model_packages),
        host_extras=tuple(sorted(spec.host_extras)),
        constraints=_spelled(spec.constraints),
    )


def _spelled(texts: Iterable[str]) -> tuple[str, ...]:
    """Return requirements all written in one way, sorted; what only an installer reads stays as it is."""
    return tuple(sorted(map(spell_requirement, texts)))


def is_same_base(one: Base, other: Base) -> bool:
    """Tell whether two bases are made of the same.

    By which of its paths an interpreter of this version was found, and by which name or mirror a channel that
    gave these very files, changes nothing in them.
    """
    return _substance(one) == _substance(other)


def _substance(base: Base) -> tuple[str, str, frozenset[tuple[str, ...]]]:
    files = ((each.name, each.version, each.build, each.sha256 or each.url) for each in base.packages)
    return base.backend, base.python, frozenset(files)


def _asked(plan: Plan) -> Iterator[str]:
    """Yield what the plan asks for, in a lock as it counts for the kind of machine, whatever this very one is.

    That a lock holds all that its markers ask for is seen when it is read.
    """
    locked = {wheel.name for wheel in plan.locked}
    for text in (*plan.requirements, *plan.unresolved):
        requirement = parse_requirement(text) if plan.lock is not None else None
        if requirement is None or requirement.marker is None or canonicalize_name(requirement.name) in locked:
            yield text


def _is_met(text: str, record: EnvRecord) -> bool:
    requirement = parse_requirement(text)
    if requirement is None or requirement.url:
        return text in record.asked  # what only an installer reads is met where it was asked for
    if requirement.marker is not None and not requirement.marker.evaluate(_python(record)):
        return True
    version = record.installed.get(canonicalize_name(requirement.name))
    return version is not None and _contains(requirement, version)


def _contains(requirement: Requirement, version: str) -> bool:
    try:
        return requirement.specifier.contains(Version(version), prereleases=True)
    except InvalidVersion:
        return False


def _python(record: EnvRecord) -> dict[str, str]:
    return {"python_version": minor_version(record.python), "python_full_version": record.python}
