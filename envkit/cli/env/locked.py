"""``--locked``: what an environment is to be stands in a lock file, all of it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from packaging.utils import canonicalize_name

from envkit.api import UsageError
from envkit.cli.env.options import Asked
from envkit.cli.env.wishes import Wish, add_wishes
from envkit.environments.records import WheelPackage

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from envkit.environments.lockfile.records import LockFile
    from envkit.environments.plan import Plan, Planning
    from envkit.environments.records import EnvSpec


def read_wish(
    spec: EnvSpec,
    asked: Asked,
    *,
    lock_file: Path | None,
    without: Sequence[str] = (),
    may_choose_backend: bool = False,
    package_index: str | None = None,
) -> Wish:
    """Return the spec with what was asked for, or what is locked. Raises: UsageError, ConfigError."""
    if lock_file is None:
        return add_wishes(
            spec,
            asked,
            without=without,
            may_choose_backend=may_choose_backend,
            package_index=package_index,
        )
    if asked != Asked() or without:
        raise UsageError(
            "--locked makes exactly what is in the lock; nothing can be asked for besides",
            hint="Lock what you want first: envkit lock --help",
        )
    from envkit.environments.lockfile.read import read_lock  # what has no lock need not wait for it

    lock = read_lock(lock_file)
    return Wish(spec=lock.lock.spec, lock=lock)


def plan_of_lock(name: str, lock: LockFile, *, planning: Planning) -> Plan:
    """Return the plan of a lock, the packages that come from this machine among the locked. Raises: EnvError."""
    from envkit.environments.lockfile.install import plan_locked

    plan = plan_locked(name, lock, planning=planning)
    host = [*([plan.envkit] if plan.envkit is not None else []), *plan.plugins]
    remade = [
        WheelPackage(name=str(canonicalize_name(each.name)), version=each.version, source="host")
        for each in host
    ]
    known = {each.name for each in plan.locked}
    return replace(plan, locked=(*plan.locked, *(each for each in remade if each.name not in known)))
