"""Requests for conda prefixes in tests' own surroundings, and one that was made."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from conda_channel import MINOR

from envkit.api import BackendContext, Base, BaseRequest
from envkit.environments.conda.backend import CondaBackend

if TYPE_CHECKING:
    from pathlib import Path

SYSTEM = "linux" if sys.platform.startswith("linux") else "darwin"


class Steps:
    """What is told while an environment is made."""

    def __init__(self) -> None:
        self.steps: list[str] = []
        self.sizes: list[tuple[int, int | None]] = []

    def step(self, text: str) -> None:
        self.steps.append(text)

    def bytes(self, done: int, total: int | None, what: str) -> None:
        self.sizes.append((done, total))


def context(folder: Path, *channels: str, cache_dir: Path | None = None, **variables: str) -> BackendContext:
    environ = {"PATH": os.environ["PATH"], "HOME": str(folder / "home"), **variables}
    return BackendContext(environ=environ, cache_dir=cache_dir or folder / "h/cache/conda", channels=channels)


def request(*packages: str, **more: Any) -> BaseRequest:
    asked = {"python": f"=={MINOR}.*", "system": SYSTEM, "machine": os.uname().machine, "packages": packages}
    return BaseRequest(**{**asked, "virtual_packages": ("__unix=0", "__glibc=2.36"), **more})


def install(
    base: Base, prefix: Path, at: BackendContext, *requested: str, backend: CondaBackend | None = None
) -> Steps:
    steps = Steps()
    (backend or CondaBackend()).install(
        base, prefix, requested=requested, context=at, progress=steps, inherited=()
    )
    return steps


@dataclass(frozen=True)
class Made:
    """A prefix, and how it was made."""

    prefix: Path
    at: BackendContext
    base: Base
    steps: Steps
