"""Plan an environment to the last decision that can be made before anything is installed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from packaging.utils import canonicalize_name

from envkit.api import DEFAULT_MODEL, BaseRequest, EnvError, FoundPython, MachineError
from envkit.environments.backends import backend_context
from envkit.environments.order import Choice, choose, host_package
from envkit.environments.planning import Planning
from envkit.environments.requirements import HOST, minor_version
from envkit.environments.spec_words import absolute_package, check_channel
from envkit.environments.store import check_name
from envkit.torchbuild.records import masked

if TYPE_CHECKING:
    from collections.abc import Sequence
    from importlib.metadata import Distribution

    from packaging.specifiers import SpecifierSet

    from envkit.api import Base, BasePackage
    from envkit.environments.progress import Progress
    from envkit.environments.records import EnvRecord, EnvSpec, HostPackage, WheelPackage
    from envkit.machine import MachineFacts
    from envkit.torchbuild import TorchBuild

__all__ = ["Plan", "Planning", "plan_environment"]


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What an environment is to be.

    ``requirements`` are resolved by uv; ``distributions`` of this host and ``unresolved`` (requirements) are
    installed as they are, without dependencies. ``torch`` comes as a wheel, or with the base where the spec
    says so. ``locked`` are exact packages: where there are any, nothing is resolved, and ``lock`` is the
    sha256 of the file they stand in. ``reasons`` say why this Python and this torch.
    """

    name: str
    spec: EnvSpec
    base: Base
    requirements: tuple[str, ...]
    distributions: tuple[Distribution, ...]
    unresolved: tuple[str, ...]
    torch: TorchBuild | None
    plugins: tuple[HostPackage, ...]
    envkit: HostPackage | None
    facts: MachineFacts
    locked: tuple[WheelPackage, ...] = ()
    lock: str | None = None
    reasons: tuple[str, ...] = ()

    @property
    def is_torch_from_base(self) -> bool:
        """Tell whether the base brings torch."""
        return self.torch is not None and self.spec.torch_from == "conda"


def plan_environment(
    name: str,
    spec: EnvSpec,
    *,
    planning: Planning,
    progress: Progress,
    prefer: EnvRecord | None = None,
    model: str = DEFAULT_MODEL,
    torch_brought: SpecifierSet | None = None,
) -> Plan:
    """Decide Python, torch build, base and requirements; nothing but caches is written.

    ``prefer`` is the record of an earlier environment whose packages are kept where they still fit; ``model``
    the one that runs begin from, whose package comes along where a task needs it and no cache has it;
    ``torch_brought`` the range of torch where nobody asks for it and packages bring it along.
    Raises: UsageError, PluginError, EnvError, MachineError where no torch build fits.
    """
    check_name(name)
    folder = Path.cwd()
    packages = tuple(absolute_package(text, folder=folder) for text in spec.packages)
    channels = tuple(map(check_channel, spec.channels))
    spec = msgspec.structs.replace(spec, packages=packages, channels=channels)
    progress.step(f"planning the {spec.backend} environment")
    choice, base = _choose_base(
        spec, planning=planning, model=model, prefer=prefer, torch_brought=torch_brought
    )
    torch = choice.torch
    host = planning.find_distribution(HOST) if choice.entries else None
    plugins = tuple({entry.plugin: entry.distribution for entry in choice.entries}.values())
    return Plan(
        name=name,
        spec=spec,
        base=base,
        requirements=_requirements(choice, is_torch_from_base=spec.torch_from == "conda"),
        distributions=(host, *plugins) if host is not None else (),
        unresolved=choice.model_packages,
        torch=torch,
        plugins=tuple(map(host_package, plugins)),
        envkit=host_package(host) if host is not None else None,
        facts=planning.facts,
        reasons=_reasons(spec, choice, base, planning),
    )


def requested_base_packages(plan: Plan) -> tuple[str, ...]:
    """Return what was asked of the base by name: the user's packages, and torch where the base brings it."""
    if not plan.is_torch_from_base:
        return plan.spec.base_packages
    from envkit.environments.conda.torch import torch_spec

    assert plan.torch is not None
    return (*plan.spec.base_packages, torch_spec(plan.torch))


def _choose_base(
    spec: EnvSpec,
    *,
    planning: Planning,
    model: str,
    prefer: EnvRecord | None,
    torch_brought: SpecifierSet | None,
) -> tuple[Choice, Base]:
    """Return the first choice for which there is a base.

    Only who asks an interpreter learns its full version, or that it does not start: then the next minor
    version is tried.
    """
    passed: dict[str, EnvError] = {}
    while True:
        try:
            choice = choose(
                spec,
                planning=planning,
                model=model,
                prefer=prefer,
                without=passed,
                torch_brought=torch_brought,
            )
        except (EnvError, MachineError) as error:
            if passed:
                raise _no_base(list(passed.values())) from error
            raise
        try:
            return choice, _plan_base(spec, choice, planning=planning, prefer=prefer)
        except EnvError as error:
            if not choice.pythons:  # the backend brings Python itself
                raise
            passed[minor_version(choice.version)] = error


def _no_base(errors: Sequence[EnvError]) -> EnvError:
    messages = dict.fromkeys(error.message for error in errors)
    return EnvError("\n  ".join(messages), hint=errors[0].hint)


def _plan_base(spec: EnvSpec, choice: Choice, *, planning: Planning, prefer: EnvRecord | None) -> Base:
    from envkit.environments.virtual_packages import virtual_packages

    packages = spec.base_packages
    if choice.torch is not None and spec.torch_from == "conda":
        from envkit.environments.conda.torch import torch_spec  # conda's names, for conda alone

        packages = (*packages, torch_spec(choice.torch))
    kept: tuple[BasePackage, ...] = ()
    if prefer is not None and prefer.base.backend == spec.backend:
        kept = prefer.base.packages
    platform = planning.facts.platform
    request = BaseRequest(
        python=str(choice.python_range),
        pythons=tuple(FoundPython(path=path, version=version) for path, version in choice.pythons),
        packages=packages,
        channels=spec.channels,
        virtual_packages=virtual_packages(planning.facts),
        system=platform.system,
        machine=platform.machine,
        prefer=kept,
    )
    context = backend_context(planning.settings, backend=spec.backend, environ=planning.environ)
    return planning.find_backend(spec.backend).plan(request, context=context)


def _requirements(choice: Choice, *, is_torch_from_base: bool) -> tuple[str, ...]:
    needed = [r for r in choice.needs.requirements if canonicalize_name(r.name) != "torch"]
    pinned = [choice.torch.requirement] if choice.torch is not None and not is_torch_from_base else []
    return (*pinned, *map(str, needed), *choice.packages)


def _reasons(spec: EnvSpec, choice: Choice, base: Base, planning: Planning) -> tuple[str, ...]:
    running = (planning.here or planning.facts).python
    if spec.python:
        why = f"{spec.python} was asked for"
    elif minor_version(base.python) == minor_version(running.version):
        why = "the running one's version"
    else:
        why = f"the first that fits; the running {running.version} does not"
    python = f"Python {base.python}: {why}"
    if choice.torch is None:
        return (python,)
    return python, f"torch {choice.torch.version}: {masked(choice.torch).reason}"
