"""What a change adds to an environment, removes from it and puts in another's place."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal

import msgspec
from packaging.utils import canonicalize_name

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from envkit.environments.plan import Plan
    from envkit.environments.records import EnvRecord, HostPackage, WheelPackage

_OF_CONDA = re.compile(rb'"[^"]*?([^"/]+)-[^-"/]+\.dist-info/METADATA"')


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """One package: versions before and after, empty for none; ``of`` is ``base`` or ``packages``.

    ``new`` is ``from ADDRESS`` for a folder or repository from which nothing was installed before: only its
    build tells the version.
    ``is_host`` where it is remade from what is installed here, and so can only follow that.
    """

    name: str
    kind: Literal["add", "remove", "change"]
    old: str
    new: str
    of: Literal["base", "packages"]
    is_host: bool = False


def compare_packages(
    record: EnvRecord, prefix: Path, *, plan: Plan, wheels: Sequence[WheelPackage]
) -> tuple[Change, ...]:
    """Return what the plan, resolved to ``wheels``, changes: the base first, then packages, by name."""
    return (*_compare_bases(record, plan), *_compare_wheels(record, prefix, plan=plan, wheels=wheels))


def _compare_bases(record: EnvRecord, plan: Plan) -> list[Change]:
    old = {each.name: each.version for each in record.base.packages}
    new = {each.name: each.version for each in plan.base.packages}
    builds = {each.name: each.build for each in record.base.packages}
    for each in plan.base.packages:
        was = builds.get(each.name, each.build)
        if was != each.build and old[each.name] == each.version:  # the same version, built otherwise
            old[each.name] += f" {was}"
            new[each.name] += f" {each.build}"
    old["python"], new["python"] = record.python, plan.base.python
    if record.python.startswith(f"{plan.base.python}."):  # known to its minor version only
        new["python"] = record.python
    if record.backend != plan.base.backend:
        old["kind of environment"], new["kind of environment"] = record.backend, plan.base.backend
    return _differences(old, new, of="base")


def _compare_wheels(
    record: EnvRecord, prefix: Path, *, plan: Plan, wheels: Sequence[WheelPackage]
) -> list[Change]:
    of_base = _python_packages_of_base(prefix)
    old = {name: version for name, version in record.installed.items() if name not in of_base}
    new = {wheel.name: wheel.version for wheel in wheels} | _unbuilt(record, prefix, wheels)
    host = {wheel.name for wheel in wheels if wheel.source == "host"}
    changes = _differences(old, new, of="packages", host=host)
    known = {canonicalize_name(each.name): each for each in _host_packages(record)}
    for now in (*([plan.envkit] if plan.envkit else []), *plan.plugins):
        was = known.get(canonicalize_name(now.name))
        if was is not None and was.version == now.version and was.digest != now.digest:
            changed = f"{now.version} as it is now"
            changes.append(_change(now.name, was.version, changed, of="packages", is_host=True))
    return sorted(changes, key=lambda change: change.name)


def _unbuilt(record: EnvRecord, prefix: Path, wheels: Sequence[WheelPackage]) -> dict[str, str]:
    """Return what stands for the versions of packages that are known once they are built: what is there stays."""
    unbuilt = [wheel for wheel in wheels if wheel.source == "direct" and not wheel.version]
    if not unbuilt:
        return {}
    from envkit.environments.files.installed_wheels import direct_addresses

    there = direct_addresses(record, prefix)
    is_there = {wheel.name: _place(there.get(wheel.name, "")) == _place(wheel.url) for wheel in unbuilt}
    return {
        wheel.name: record.installed[wheel.name] if is_there[wheel.name] else f"from {wheel.url}"
        for wheel in unbuilt
    }


def _place(address: str) -> str:
    # What uv resolved has no subdirectory.
    return address.partition("#")[0].rstrip("/")


def _host_packages(record: EnvRecord) -> list[HostPackage]:
    return [*record.plugins, *([record.envkit] if record.envkit is not None else [])]


def _differences(
    old: Mapping[str, str],
    new: Mapping[str, str],
    *,
    of: Literal["base", "packages"],
    host: frozenset[str] | set[str] = frozenset(),
) -> list[Change]:
    return [
        _change(name, old.get(name, ""), new.get(name, ""), of=of, is_host=name in host)
        for name in sorted(old.keys() | new.keys())
        if old.get(name) != new.get(name)
    ]


def _change(name: str, old: str, new: str, *, of: Literal["base", "packages"], is_host: bool) -> Change:
    kind: Literal["add", "remove", "change"] = "add" if not old else "remove" if not new else "change"
    return Change(name=name, kind=kind, old=old, new=new, of=of, is_host=is_host)


def _python_packages_of_base(prefix: Path) -> set[str]:
    """Return the names of the Python packages that conda brought, which are of the base."""
    return {
        str(canonicalize_name(name.decode()))
        for file in prefix.glob("conda-meta/*.json")
        for name in _OF_CONDA.findall(file.read_bytes())
    }
