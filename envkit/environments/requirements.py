"""What a plugin needs in its environment, read from the metadata of installed distributions alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from packaging.markers import default_environment
from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from envkit.api import EnvError, PluginError
from envkit.masking import mask_secrets

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from importlib.metadata import Distribution

    from envkit.environments.records import Purpose
    from envkit.registry import TaskEntry

HOST = "envkit-ml"
TRAIN_EXTRA = "train"
PREDICT_EXTRA = "predict"
# What the worker half of envkit imports: of envkit's own dependencies, these alone enter an environment.
_WORKER_IMPORTS = frozenset({"pluggy", "msgspec"})


@dataclass(frozen=True, kw_only=True)
class Needs:
    """What has to be installed for a plugin to run, envkit and the plugin themselves left out.

    ``requirements`` carry no markers: they are those that hold for ``python``, one a name, sorted.
    ``torch`` is the range of torch, None where the task asks for none.
    """

    plugin: str
    python: str
    requirements: tuple[Requirement, ...]
    torch: SpecifierSet | None
    requires_python: SpecifierSet


def find_installed(name: str) -> Distribution:
    """Return the distribution that is installed here. Raises: importlib.metadata.PackageNotFoundError."""
    from importlib import metadata  # for tasks alone: what has none waits neither for it nor for the registry

    return metadata.distribution(name)


def read_needs(
    entry: TaskEntry,
    *,
    python: str,
    host_extras: frozenset[str] = frozenset(),
    purpose: Purpose = "train",
    find_distribution: Callable[[str], Distribution] = find_installed,
) -> Needs:
    """Return what the plugin needs on this Python (``3.11`` or ``3.11.7``).

    Its extra ``train`` is followed through the extras of envkit-ml and its own; the requirements of other
    packages are theirs to resolve. For the ``purpose`` ``predict`` it is the extra of that name, if it has one. ``host_extras`` are those of envkit-ml that the run itself calls for, such
    as ``parquet``. Raises: PluginError for metadata that cannot be obeyed,
    EnvError where envkit itself is not installed.
    """
    try:
        host = find_distribution(HOST)
    except ModuleNotFoundError as error:  # PackageNotFoundError is one
        raise EnvError(
            "envkit runs from its source and is not installed, so no environment can be given its files",
            hint="Install it from its folder: pip install --editable .",
        ) from error
    given = {canonicalize_name(entry.plugin): entry.distribution, HOST: host}
    own = _extra_for(purpose, entry.distribution)
    found = list(_follow(given, own, host_extras, python=python, entry=entry))
    requirements = merge_requirements(found)
    torch = next((r.specifier for r in requirements if canonicalize_name(r.name) == "torch"), None)
    ranges = [dist.metadata.get_all("Requires-Python") or [""] for dist in given.values()]
    try:
        requires_python = SpecifierSet(",".join(text[0] for text in ranges if text[0]))
    except InvalidSpecifier as error:
        raise PluginError(f"the range of Pythons of {entry} cannot be read: {error}") from error
    return Needs(
        plugin=entry.plugin,
        python=python,
        requirements=requirements,
        torch=torch,
        requires_python=requires_python,
    )


def missing(needs: Needs, installed: Mapping[str, str]) -> list[Requirement]:
    """Return the requirements that these versions (by canonical name) do not meet."""
    return [r for r in needs.requirements if not _is_met(r, installed.get(canonicalize_name(r.name)))]


def installed_for(
    needs: Needs, *, find_distribution: Callable[[str], Distribution] = find_installed
) -> dict[str, str]:
    """Return the versions, by canonical name, in which the running interpreter has what is needed."""
    found: dict[str, str] = {}
    for requirement in needs.requirements:
        try:
            version: str | None = find_distribution(requirement.name).version
        except (ModuleNotFoundError, KeyError):  # PackageNotFoundError is one
            continue
        if version:  # None stands in metadata that is there and broken
            found[canonicalize_name(requirement.name)] = version
    return found


def minor_version(python: str) -> str:
    """Return ``3.11`` for ``3.11.7``."""
    return ".".join(python.split(".")[:2])


def _is_met(requirement: Requirement, version: str | None) -> bool:
    if version is None:
        return False
    try:
        return requirement.specifier.contains(Version(version), prereleases=True)
    except InvalidVersion:
        return False


def _follow(
    given: Mapping[str, Distribution],
    own_extras: frozenset[str],
    host_extras: frozenset[str],
    *,
    python: str,
    entry: TaskEntry,
) -> Iterator[Requirement]:
    waiting: list[tuple[str, frozenset[str]]] = [
        (canonicalize_name(entry.plugin), own_extras),
        (HOST, host_extras),
    ]
    seen: set[tuple[str, frozenset[str]]] = set()
    while waiting:
        name, extras = step = waiting.pop()
        if step in seen:
            continue
        seen.add(step)
        for requirement in _applying(given[name], extras, python=python, entry=entry):
            required = canonicalize_name(requirement.name)
            if required in given:
                _check_given(given[required], requirement, entry)
                waiting.append((required, frozenset(canonicalize_name(e) for e in requirement.extras)))
            else:
                yield requirement


def _applying(
    dist: Distribution, extras: frozenset[str], *, python: str, entry: TaskEntry
) -> Iterator[Requirement]:
    """Yield what the distribution asks for on this Python with these extras, markers taken off."""
    full = python if python.count(".") > 1 else f"{python}.0"
    environment: dict[str, Any] = {
        **default_environment(),
        "python_version": minor_version(full),
        "python_full_version": full,
        "implementation_version": full,
    }
    is_host = canonicalize_name(dist.metadata["Name"]) == HOST
    for line in dist.requires or ():
        try:
            requirement = Requirement(line)
        except InvalidRequirement as error:
            from envkit.registry import tell_author

            raise PluginError(
                f"{dist.metadata['Name']} asks for {mask_secrets(line)!r}, which is no requirement",
                hint=f"{tell_author(entry)}. A newer one may be right: {_upgrade_text(entry)}",
            ) from error
        marker, requirement.marker = requirement.marker, None
        if marker is None or marker.evaluate({**environment, "extra": ""}):
            # Of what the host itself needs, only what the worker imports enters an environment.
            applies = not is_host or canonicalize_name(requirement.name) in _WORKER_IMPORTS
        else:
            applies = any(marker.evaluate({**environment, "extra": e}) for e in extras)
        if applies:
            yield requirement


def _extra_for(purpose: Purpose, dist: Distribution) -> frozenset[str]:
    extras = _extras_of(dist)
    wanted = PREDICT_EXTRA if purpose == "predict" and PREDICT_EXTRA in extras else TRAIN_EXTRA
    return frozenset({wanted}) & extras


def _extras_of(dist: Distribution) -> frozenset[str]:
    return frozenset(canonicalize_name(e) for e in dist.metadata.get_all("Provides-Extra") or ())


def _check_given(dist: Distribution, requirement: Requirement, entry: TaskEntry) -> None:
    name = dist.metadata["Name"]
    if not _is_met(requirement, dist.version):
        raise PluginError(
            f"{entry} asks for {requirement}, but {name} here is {dist.version}",
            hint=f"To bring both to versions that fit: {_upgrade_text(entry)} --change-envkit",
        )
    unknown = {canonicalize_name(e) for e in requirement.extras} - _extras_of(dist)
    if unknown:
        raise PluginError(
            f"{entry} asks for {requirement}, but {name} {dist.version} has no extra {', '.join(sorted(unknown))}",
            hint=f"Bring {name} up to date the way that it was installed (with pip, uv tool, pipx or conda), "
            f"then the plugin: {_upgrade_text(entry)}",
        )


def _upgrade_text(entry: TaskEntry) -> str:
    # It is done with what envkit was installed with, which only that command looks for.
    return f"envkit plugin install --upgrade {entry.plugin}"


def merge_requirements(requirements: Iterable[Requirement]) -> tuple[Requirement, ...]:
    """Return one requirement a name, their ranges and extras joined, sorted, so that each is asked once."""
    by_name: dict[str, Requirement] = {}
    for requirement in requirements:
        name = canonicalize_name(requirement.name)
        if name not in by_name:
            by_name[name] = Requirement(str(requirement))  # what is given stays as it is
            continue
        by_name[name].specifier &= requirement.specifier
        by_name[name].extras |= requirement.extras
        by_name[name].url = by_name[name].url or requirement.url
    return tuple(by_name[name] for name in sorted(by_name))


def torch_range(*, find_distribution: Callable[[str], Distribution] = find_installed) -> SpecifierSet:
    """Return the range of torch that every plugin built on ``envkit.finetune`` asks for."""
    requirements = map(Requirement, find_distribution(HOST).requires or ())
    return next(r.specifier for r in requirements if canonicalize_name(r.name) == "torch")
