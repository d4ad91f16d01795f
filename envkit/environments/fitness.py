"""Whether an environment that was made before serves a run."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from envkit.environments.prefixes import installed_in, python_of, why_moved
from envkit.environments.requirements import minor_version, missing
from envkit.environments.torch_source import why_other_torch

if TYPE_CHECKING:
    from pathlib import Path

    from envkit.environments.records import EnvRecord, HostPackage
    from envkit.environments.requirements import Needs
    from envkit.torchbuild import TorchBuild


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What an environment has to be to serve a run; ``model_package`` as a requirement, None for none."""

    name: str
    python: str
    needs: Needs
    plugins: tuple[HostPackage, ...]
    envkit: HostPackage
    torch: TorchBuild | None
    model_package: str | None


def why_unfit(prefix: Path, record: EnvRecord, wanted: Wanted) -> str | None:
    """Return what keeps an environment from serving, None where it serves."""
    if not os.access(python_of(prefix), os.X_OK):
        return "its Python is gone"
    if (moved := why_moved(prefix, record)) is not None:
        return moved
    if minor_version(record.python) != minor_version(wanted.python):
        return f"it has Python {record.python}"
    inside = {each.name: each for each in (*record.plugins, *([record.envkit] if record.envkit else []))}
    for now in (wanted.envkit, *wanted.plugins):
        was = inside.get(now.name)
        if was is None:
            return f"it lacks {now.name}"
        if was.digest != now.digest:
            changed = f"{was.version} became {now.version}" if was.version != now.version else "has changed"
            return f"{now.name} {changed}"
    # Where nothing asks for torch, one that is there came along with a package, and was chosen for that.
    if wanted.torch is not None and (other := why_other_torch(prefix, record, wanted.torch)) is not None:
        return other
    lacking = missing(wanted.needs, record.installed)
    if lacking:
        return f"it lacks {', '.join(map(str, lacking))}"
    if wanted.model_package and wanted.model_package not in record.without_dependencies:
        return "it lacks the default model"
    there = installed_in(prefix)
    gone = [name for name, version in record.installed.items() if there.get(name) != version]
    return f"packages in it were changed: {', '.join(gone[:3])}" if gone else None
