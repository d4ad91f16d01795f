"""Make an environment as planned: base, wheels, proof, record."""

from __future__ import annotations

import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from envkit.api import EnvError
from envkit.environments.backends import backend_context
from envkit.environments.disk_space import check_disk_space, estimate_size, estimate_sizes
from envkit.environments.drift import find_missing, why_unplanned
from envkit.environments.installer import install_wheels, recorded_size
from envkit.environments.launcher import write_launcher
from envkit.environments.plan import requested_base_packages
from envkit.environments.prefixes import write_out
from envkit.environments.proof import prove
from envkit.environments.records import EnvRecord, format_size
from envkit.environments.store import change_environment, current_prefix, installed_in
from envkit.environments.this_machine import describe_kind
from envkit.environments.uv_calls import uv_calls
from envkit.torchbuild.records import masked

if TYPE_CHECKING:
    from collections.abc import Callable

    from envkit.environments.flock import FileLock
    from envkit.environments.plan import Plan, Planning
    from envkit.environments.progress import Progress
    from envkit.environments.records import Environment


def make_environment(
    plan: Plan,
    *,
    planning: Planning,
    progress: Progress,
    is_change: bool = False,
    may_replace: bool = True,
    changed_from: Path | None = None,
    meanwhile: Callable[[], object] = lambda: None,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Environment:
    """Make the environment, or take the one of this name that is as planned; return it, held.

    Of several that make it at once, one does and the others wait and take it. ``is_change`` makes it anew
    unless it is as planned to the last version; else it need only serve. Without ``may_replace`` one that is
    there is returned as it is, as planned or not. ``changed_from`` is the prefix that the plan was made from:
    where another command has made a new one since, that one's change would be lost, and nothing is done.
    ``meanwhile`` is called while the new one is proved. What was there stays until then, and stays for good where
    that fails. Raises: EnvError, and what the backend and ``meanwhile`` raise.
    """
    check_made_here(plan)
    home = planning.home.absolute()

    def is_fit(prefix: Path, record: EnvRecord) -> str | None:
        why = why_unplanned(prefix, record, plan, is_change=is_change)
        return why if why is None or changed_from in (None, prefix) else ""

    def build(prefix: Path, generation: int, lock: FileLock) -> EnvRecord:
        if changed_from not in (None, current_prefix(home, plan.name)):
            raise EnvError(
                f"the environment {plan.name} was changed by another command meanwhile, and was left as that made it",
                hint="Run the command again: it begins with what is there now",
            )
        check_disk_space(home, needed=estimate_size(plan.torch), environ=planning.environ)
        progress.say(f"Making the environment {plan.name}{_size_text(plan)}")
        for reason in plan.reasons:
            progress.say(reason)
        try:
            return _build(
                plan,
                prefix,
                generation,
                planning=planning,
                progress=progress,
                lock=lock,
                meanwhile=meanwhile,
                now=now,
            )
        except OSError as error:
            raise EnvError(
                f"the environment {plan.name} cannot be made: {error}",
                hint=f"Free some space in {home} and in {tempfile.gettempdir()}, or name others: "
                "ENVKIT_HOME=DIR TMPDIR=DIR",
            ) from error

    return change_environment(
        home, plan.name, is_fit=is_fit, build=build, say=progress.say, may_replace=may_replace
    )


def _size_text(plan: Plan) -> str:
    """Return how large it will be, as far as that is known before anything is resolved."""
    if plan.locked:
        sizes = estimate_sizes(plan, plan.locked)
        if not sizes.unknown and sizes.disk:
            return f", about {format_size(sizes.disk)} on disk"
    return "" if plan.torch is None else f", about {format_size(estimate_size(plan.torch))} on disk"


def check_made_here(plan: Plan) -> None:
    """Check that what was planned can be installed on this machine. Raises: EnvError."""
    here, there = describe_kind(), describe_kind(plan.facts.platform)
    if here != there:
        raise EnvError(
            f"the environment {plan.name} is for {there}, and this machine is {here}",
            hint="Make it on such a machine; envkit lock writes down here what is to be installed there",
        )


def _build(
    plan: Plan,
    prefix: Path,
    generation: int,
    *,
    planning: Planning,
    progress: Progress,
    lock: FileLock,
    meanwhile: Callable[[], object],
    now: Callable[[], datetime],
) -> EnvRecord:
    inherited = [lock.fileno()]
    backend = planning.find_backend(plan.base.backend)
    context = backend_context(planning.settings, backend=plan.base.backend, environ=planning.environ)
    with tempfile.TemporaryDirectory(prefix="envkit-") as name:
        folder = Path(name)
        uv = uv_calls(plan, planning=planning, folder=folder, progress=progress, inherited=inherited)
        backend.install(
            plan.base,
            prefix,
            requested=requested_base_packages(plan),
            context=context,
            progress=progress,
            inherited=inherited,
        )
        install_wheels(prefix, plan, uv=uv)
        if plan.envkit is not None:
            write_launcher(prefix, name=plan.name, environ=planning.environ)
        size = 0

        def settle() -> None:
            nonlocal size
            size = recorded_size(prefix)
            write_out(prefix)
            meanwhile()

        progress.step("proving it")
        proof = prove(
            prefix,
            plan=plan,
            environ=planning.environ,
            is_for_here=planning.here is None,
            backend=backend,
            uv=uv,
            inherited=inherited,
            meanwhile=settle,  # importing torch takes longer
        )
    record = EnvRecord(
        name=plan.name,
        generation=generation,
        backend=plan.base.backend,
        created=now().isoformat(timespec="seconds"),
        python=proof.python,
        spec=plan.spec,
        base=plan.base,
        asked=plan.requirements,
        installed=installed_in(prefix),
        without_dependencies=(*(dist.metadata["Name"] for dist in plan.distributions), *plan.unresolved),
        plugins=plan.plugins,
        envkit=plan.envkit,
        torch=masked(plan.torch) if plan.torch is not None else None,
        facts=plan.facts,
        size=size,
        proof=proof,
        lock=plan.lock,
        reasons=plan.reasons,
        prefix=str(prefix),
    )
    if missing := find_missing(record, plan):
        raise EnvError(
            f"the environment {plan.name} was made without {', '.join(missing)}",
            hint="Something on this machine moves what is installed: look at what uv and pip are told, "
            "env | grep -E '^(UV|PIP)_'",
        )
    return record
