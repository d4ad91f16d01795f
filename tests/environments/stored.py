"""What fills environments where the store alone is tested: a few files in the shape of a venv."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from envkit.api.environments import Base
from envkit.environments.records import EnvRecord, EnvSpec, HostPackage, Proof
from envkit.environments.requirements import Needs
from envkit.environments.store import Wanted, envs_dir
from envkit.machine import read_facts

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from envkit.environments.flock import FileLock

FACTS = read_facts()
PLUGIN = HostPackage(name="envkit-echo", version="1.0", digest="p")
NEWER = HostPackage(name="envkit-echo", version="1.1", digest="p2")
ENVKIT = HostPackage(name="envkit-ml", version="0.1.0", digest="e")


def wanted(**changes: Any) -> Wanted:
    """Return what a run wants that the builder of this module makes."""
    values: dict[str, Any] = {
        "name": "echo-py3.11",
        "python": "3.11.7",
        "needs": Needs(
            plugin="envkit-echo",
            python="3.11.7",
            requirements=(Requirement("tiny>=1"),),
            torch=None,
            requires_python=SpecifierSet(),
        ),
        "plugins": (PLUGIN,),
        "envkit": ENVKIT,
        "torch": None,
        "model_package": None,
    }
    return Wanted(**{**values, **changes})


def build_for(want: Wanted, *, tiny: str = "1.5") -> Callable[[Path, int, FileLock], EnvRecord]:
    """Return a builder that lays out what a venv holds for the store."""

    def build(prefix: Path, generation: int, lock: FileLock) -> EnvRecord:
        (prefix / "bin").mkdir(parents=True)
        (prefix / "bin/python").symlink_to(sys.executable)
        (prefix / f"lib/python3.11/site-packages/tiny-{tiny}.dist-info").mkdir(parents=True)
        (prefix / "last-file").write_text(tiny)
        return record_of(want, generation=generation, tiny=tiny)

    return build


def record_of(want: Wanted, *, generation: int, tiny: str = "1.5") -> EnvRecord:
    """Return the record of an environment that is as wanted."""
    return EnvRecord(
        name=want.name,
        generation=generation,
        backend="venv",
        created=datetime.now(UTC).isoformat(),
        python=want.python,
        spec=EnvSpec(packages=(f"tiny=={tiny}",)),
        base=Base(backend="venv", python=want.python, interpreter=sys.executable),
        asked=tuple(str(r) for r in want.needs.requirements),
        installed={"tiny": tiny},
        without_dependencies=("envkit-echo",),
        plugins=want.plugins,
        envkit=want.envkit,
        torch=want.torch,
        facts=FACTS,
        size=1000,
        proof=Proof(python=want.python, torch=None, devices=(), tasks=(), left_out=(), seconds=0.1),
    )


def lies_in(home: Path) -> set[str]:
    """Return the names of all that lies in the store, links and what is in `.made` included."""
    folder = envs_dir(home)
    paths = [*folder.iterdir(), *(folder / ".made").iterdir()]
    return {str(path.relative_to(folder)) for path in paths} - {".made"}
