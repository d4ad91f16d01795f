"""Take plugins out of envkit's own environment, with the installer that owns it."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import distributions
from typing import TYPE_CHECKING

import msgspec
from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from envkit.api import EnvError
from envkit.authoring.changes import installed_versions
from envkit.authoring.details import choose_plugin
from envkit.authoring.installers import removal_calls
from envkit.authoring.owner import refuse_foreign
from envkit.authoring.uv_tools import find_unkept, read_receipt
from envkit.registry import find_entries
from envkit.registry.metadata import read_fields, read_headers

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from envkit.authoring.calls import Call
    from envkit.owner import Owner


class RemovedPlugin(msgspec.Struct, frozen=True, kw_only=True):
    """An installed plugin that is to go: ``needed_by`` are other distributions that ask for it."""

    name: str
    version: str
    gives: tuple[str, ...]
    needed_by: tuple[str, ...] = ()


class Removed(msgspec.Struct, frozen=True, kw_only=True):
    """What ``--json`` says; ``cmds`` are the commands, each a list of words."""

    dry_run: bool
    cmds: tuple[tuple[str, ...], ...]
    plugins: tuple[RemovedPlugin, ...]
    doubts: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class RemovalPlan:
    """What a removal would do; ``doubts`` are what else it changes."""

    owner: Owner
    plugins: tuple[RemovedPlugin, ...]
    calls: tuple[Call, ...]
    doubts: tuple[str, ...] = ()


def plan_removal(owner: Owner, names: Sequence[str]) -> RemovalPlan:
    """Find out what would be removed; nothing is changed yet.

    Raises: UsageError for envkit itself and for what is no plugin; EnvError for what lies or was installed elsewhere,
    and where the environment is not ours to change.
    """
    found = {each.name: each for each in (find_plugin(name, owner=owner) for name in names)}
    refuse_foreign(owner, names=list(found), is_removal=True)
    doubts = [
        f"{other} asks for {each.name} and will not work without it"
        for each in found.values()
        for other in each.needed_by
        if canonicalize_name(other.partition(" ")[0]) not in found
    ]
    calls = removal_calls(owner, list(found))
    if any(call.arguments[:2] == ("tool", "install") for call in calls):
        versions = installed_versions(owner)
        doubts += [
            f"{name} {versions[name]} is removed: uv's record of this tool does not name it"
            for name in find_unkept(owner, read_receipt(owner))
            if name not in found
        ]
    return RemovalPlan(owner=owner, plugins=tuple(found.values()), calls=calls, doubts=tuple(doubts))


def find_plugin(name: str, *, owner: Owner) -> RemovedPlugin:
    """Return the installed plugin of this name, see ``choose_plugin``.

    Raises: UsageError for envkit itself and for what is no plugin, EnvError for one that lies or was installed elsewhere.
    """
    entries = find_entries()
    wanted = choose_plugin(name, entries, command="envkit plugin remove")
    mine = [entry for entry in entries if canonicalize_name(entry.plugin) == wanted]
    _refuse_elsewhere(wanted, owner)
    return RemovedPlugin(
        name=wanted,
        version=mine[0].version,
        gives=tuple(f"{each.kind} {each.name}" for each in mine),
        needed_by=tuple(find_dependents(wanted, owner)),
    )


def _refuse_elsewhere(name: str, owner: Owner) -> None:
    for dist in distributions(path=[str(owner.site)]):
        if canonicalize_name(read_headers(dist).name) == name:
            if (dist.read_text("INSTALLER") or "").strip() == "conda":
                raise EnvError(
                    f"{name} was installed by conda, which alone removes it",
                    hint=f"conda remove --prefix {owner.prefix} {name}",
                )
            return
    raise EnvError(
        f"{name} does not lie in {owner.title}, so that its installer cannot remove it",
        hint=f"See where it lies: envkit plugin info {name}",
    )


def find_dependents(name: str, owner: Owner) -> Iterable[str]:
    """Yield the distributions of the environment that ask for this one, with their versions."""
    for dist in distributions(path=[str(owner.site)]):
        for line in read_fields(dist, "Requires-Dist"):
            try:
                need = Requirement(line)
            except InvalidRequirement:
                continue
            is_asked = need.marker is None or need.marker.evaluate({"extra": ""})
            if is_asked and canonicalize_name(need.name) == name:
                headers = read_headers(dist)
                yield f"{headers.name} {headers.version}"


def still_there(plugins: Iterable[RemovedPlugin], *, owner: Owner) -> tuple[str, ...]:
    """Return the names of those that lie in the environment in spite of it all."""
    there = {canonicalize_name(read_headers(dist).name) for dist in distributions(path=[str(owner.site)])}
    return tuple(each.name for each in plugins if each.name in there)
