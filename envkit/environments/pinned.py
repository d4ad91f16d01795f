"""A plan in which exact files, named by a pylock, take the place of what would be resolved."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import msgspec

from envkit.environments.files.pylock_file import pin_of
from envkit.environments.resolve import resolve_wheels

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from envkit.environments.plan import Plan, Planning
    from envkit.environments.progress import Progress
    from envkit.environments.records import WheelPackage


def pin_wheels(
    plan: Plan,
    wheels: Sequence[WheelPackage],
    *,
    planning: Planning,
    progress: Progress,
    prefer: Mapping[str, str] | None = None,
) -> Plan:
    """Return the plan with these files locked, and what it needs besides resolved around them.

    Only those count that the spec still asks for, and of torch only the build that was chosen. They come from
    their own addresses, unless an index of envkit's own or none at all is configured: then by name and hash.
    ``prefer`` are versions by canonical name that are kept for the rest where they fit. Raises: EnvError.
    """
    own = _own(plan, wheels, planning)
    if not own:
        return plan
    around = around_wheels(plan, wheels, planning=planning)
    if around is None:
        return replace(plan, locked=tuple(own.values()))
    resolved = resolve_wheels(around, planning=planning, prefer=prefer, progress=progress)
    by_name = {wheel.name: wheel for wheel in own.values()}
    return replace(plan, locked=tuple(by_name.get(wheel.name, wheel) for wheel in resolved))


def around_wheels(plan: Plan, wheels: Sequence[WheelPackage], *, planning: Planning) -> Plan | None:
    """Return the plan that asks for these files by their addresses; None where there is nothing to resolve."""
    own = _own(plan, wheels, planning)
    rest = tuple(text for text in plan.requirements if text not in own)
    if not (rest or plan.distributions or plan.unresolved):
        return None
    lines = (f"{each.name} @ {each.url}" if each.source == "pylock" else pin for pin, each in own.items())
    return replace(plan, requirements=(*rest, *lines)) if own else plan


def _own(plan: Plan, wheels: Sequence[WheelPackage], planning: Planning) -> dict[str, WheelPackage]:
    """Return, by the pins that stand in the spec, the files of a pylock that count."""
    return {pin_of(wheel): _placed(wheel, planning) for wheel in wheels if _is_asked(wheel, plan)}


def _is_asked(wheel: WheelPackage, plan: Plan) -> bool:
    if wheel.name == "torch":
        return plan.torch is not None and not plan.is_torch_from_base and pin_of(wheel) in plan.requirements
    return pin_of(wheel) in plan.spec.packages


def _placed(wheel: WheelPackage, planning: Planning) -> WheelPackage:
    is_elsewhere = not wheel.url.startswith("file:")
    is_by_name = is_elsewhere and (planning.pip_configuration().no_index or planning.settings.package_index)
    if wheel.source != "index" or not wheel.sha256 or is_by_name:
        return wheel
    return msgspec.structs.replace(wheel, source="pylock")
