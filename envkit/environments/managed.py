"""Make a managed environment: what is asked of uv, and the record of what came of it."""

from __future__ import annotations

import tempfile
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from packaging.utils import canonicalize_name

from envkit.api import EnvError
from envkit.environments.disk_space import check_disk_space, estimate_size
from envkit.environments.records import EnvRecord, format_size
from envkit.environments.requirements import HOST
from envkit.environments.store import make_environment
from envkit.environments.uv_environment import uv_settings
from envkit.environments.uv_failures import Place
from envkit.environments.venv import Installation, make_venv
from envkit.torchbuild.records import masked

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from envkit.environments.lock import FileLock
    from envkit.environments.order import Order, Target
    from envkit.environments.pip_configuration import PipConfiguration
    from envkit.environments.progress import Progress
    from envkit.environments.records import Environment
    from envkit.environments.store import Wanted


def make_managed(
    order: Order,
    target: Target,
    wanted: Wanted,
    *,
    configuration: PipConfiguration,
    progress: Progress,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Environment:
    """Make the environment, or wait for whoever makes it. Raises: EnvError."""
    torch = target.torch
    needed = estimate_size(torch)
    index = torch.location if torch and torch.source == "torch index" else None
    settings = uv_settings(configuration, environ=order.environ, extra_indexes=[index] if index else [])
    place = Place(order.home, configuration.sources.get("index_url"), index)
    pinned = [torch.requirement] if torch else []
    others = [str(r) for r in target.needs.requirements if canonicalize_name(r.name) != "torch"]
    packages = [wanted.model_package] if wanted.model_package else []
    installation = Installation(
        python=target.python,
        requirements=[*pinned, *others],
        distributions=[order.find_distribution(HOST), order.entry.distribution],
        packages=packages,
    )

    def build(prefix: Path, lock: FileLock) -> EnvRecord:
        check_disk_space(order.home, needed=needed, environ=order.environ)
        progress.say(f"Making the environment {prefix.name}, about {format_size(needed)}")
        if torch is not None:
            progress.say(f"torch {torch.version}: {torch.reason}")
        try:
            installed = make_venv(
                prefix, installation, settings=settings, place=place, lock=lock, progress=progress
            )
        except OSError as error:
            raise EnvError(
                f"the environment {prefix.name} cannot be made: {error}",
                hint=f"Free some space in {order.home} and in {tempfile.gettempdir()}, or name others: "
                "ENVKIT_HOME=DIR TMPDIR=DIR",
            ) from error
        return EnvRecord(
            name=prefix.name,
            kind="venv",
            created=now().isoformat(timespec="seconds"),
            python=installed.python,
            asked=tuple(installation.requirements),
            installed=installed.versions,
            without_dependencies=(wanted.envkit.name, wanted.plugin.name, *packages),
            plugin=wanted.plugin,
            envkit=wanted.envkit,
            torch=masked(torch) if torch is not None else None,
            facts=order.facts,
            size=installed.size,
        )

    return make_environment(order.home, wanted, build=build, say=progress.say)
