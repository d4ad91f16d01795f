"""From a lock to the plan of an environment that is just what is locked."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from packaging.utils import canonicalize_name

from envkit.api import Base, BaseRequest, EnvError, FoundPython
from envkit.environments.backends import backend_context
from envkit.environments.lockfile.entries import base_packages, torch_build, wheel_packages
from envkit.environments.lockfile.facts import locked_facts
from envkit.environments.lockfile.fit import choose_section
from envkit.environments.lockfile.host import locked_host
from envkit.environments.lockfile.lines import machine_line
from envkit.environments.lockfile.records import lock_command
from envkit.environments.order import host_package
from envkit.environments.plan import Plan
from envkit.environments.requirements import HOST, minor_version
from envkit.environments.store import check_name

if TYPE_CHECKING:
    from collections.abc import Sequence
    from importlib.metadata import Distribution

    from envkit.environments.lockfile.records import LockedMachine, LockFile
    from envkit.environments.plan import Planning
    from envkit.machine import MachineFacts


def plan_locked(name: str, lock: LockFile, *, planning: Planning) -> Plan:
    """Return the plan that makes what the lock holds for the machine of ``planning``.

    Raises: EnvError with the line that does not fit: the machine's, envkit's or a plugin's.
    """
    check_name(name)
    number = choose_section(lock, planning.facts)
    section, spec = lock.lock.machines[number], lock.lock.spec
    distributions = _distributions(lock, number, planning)
    base = _base(section, spec.backend, planning=planning)
    torch = None
    if section.torch is not None:
        torch = torch_build(section.torch, python=section.python, torch_index=planning.torch_index)
    first = machine_line(lock.text, number)
    reasons = [f"Python {base.python}: locked in {lock.file}:{first}, for {section.name}"]
    if base.python != section.python:
        reasons[0] = f"Python {base.python}: {section.python} is locked and not here; {section.name}"
    if torch is not None:
        is_same = _is_same_machine(section, planning.facts)
        locked_for = "locked." if is_same else f"locked for {section.name}:"
        torch = msgspec.structs.replace(torch, reason=f"{locked_for} {torch.reason}")
        reasons.append(f"torch {torch.version}: {torch.reason}")
    packages = tuple(map(host_package, distributions))
    return Plan(
        name=name,
        spec=spec,
        base=base,
        requirements=section.asked,
        distributions=distributions,
        unresolved=section.without_dependencies,
        torch=torch,
        plugins=tuple(each for each in packages if canonicalize_name(each.name) != HOST),
        envkit=next((each for each in packages if canonicalize_name(each.name) == HOST), None),
        facts=planning.facts,
        locked=wheel_packages(section),
        lock=lock.sha256,
        reasons=tuple(reasons),
    )


def _is_same_machine(section: LockedMachine, facts: MachineFacts) -> bool:
    """Tell whether what was said of the section's GPUs and driver is true of this machine."""
    here = locked_facts(facts)
    return (section.facts.driver, section.facts.gpus) == (here.driver, here.gpus) and not (
        facts.nvidia.gpus and not here.gpus  # it has some that cannot be used
    )


def _base(section: LockedMachine, backend: str, *, planning: Planning) -> Base:
    packages = base_packages(section)
    if packages:
        return Base(backend=backend, python=section.python, packages=packages)
    here = planning.here or planning.facts
    found = [FoundPython(path=here.python.path, version=here.python.version)]
    found += [FoundPython(path=each.path, version=each.version) for each in here.interpreters]
    minor = minor_version(section.python)
    pythons = sorted(
        (each for each in found if minor_version(each.version) == minor),
        key=lambda each: each.version != section.python,
    )
    request = BaseRequest(
        python=f"=={minor}.*",
        pythons=tuple(pythons),
        system=planning.facts.platform.system,
        machine=planning.facts.platform.machine,
    )
    context = backend_context(planning.settings, backend=backend, environ=planning.environ)
    return planning.find_backend(backend).plan(request, context=context)


def _distributions(lock: LockFile, number: int, planning: Planning) -> tuple[Distribution, ...]:
    """Return envkit and the plugins as they are locked. Raises: EnvError for one that is another here."""
    section = lock.lock.machines[number]
    wrong: list[str] = []
    install: list[str] = []
    found = []
    for item, each in enumerate(section.host):
        place = f"{lock.file}:{machine_line(lock.text, number, 'host', item=item)}"
        dist = _find(each.name, planning)
        here = None if dist is None else locked_host(dist)
        if dist is None or here is None:
            wrong.append(f"{place}: {each.name} {each.version} is locked, and not installed here")
        elif here.version != each.version:
            wrong.append(
                f"{place}: {each.name} {each.version} is locked, and {here.version} is installed here"
            )
        elif each.digest and not here.digest:
            wrong.append(
                f"{place}: {each.name} {each.version} is locked as it was built, and here it is editable"
            )
        elif each.digest and here.digest != each.digest:
            wrong.append(f"{place}: {each.name} {each.version} is locked with other content than it has here")
        else:
            found.append(dist)
            continue
        install.append(f"{each.name}=={each.version}")
    if wrong:
        raise _other_host(lock, wrong, install)
    return tuple(found)


def _find(name: str, planning: Planning) -> Distribution | None:
    from importlib.metadata import PackageNotFoundError

    try:
        return planning.find_distribution(name)
    except PackageNotFoundError:
        return None


def _other_host(lock: LockFile, wrong: Sequence[str], install: Sequence[str]) -> EnvError:
    from envkit.owner import install_command  # for an error alone

    rows = "".join(f"\n  {each}" for each in wrong)
    return EnvError(
        f"envkit and its plugins go into environments from here, and here they are not as locked:{rows}",
        hint=f"Install what is locked: {install_command(*install, is_anew=True)}\n"
        f"Or lock what is here: {lock_command(lock.file)}",
    )
