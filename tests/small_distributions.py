"""Distributions of a few lines, written as an installer would leave them: in a folder for `sys.path`."""

from __future__ import annotations

from dataclasses import dataclass
from textwrap import dedent
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

SOUND_TASK = """
from envkit.api import Options, Request, Result, Run, Task, hookimpl


class SmallOptions(Options):
    pass


@hookimpl
def envkit_task() -> Task:
    return Task(options=SmallOptions, headline="score")


@hookimpl
def envkit_read(request: Request) -> list:
    return []


@hookimpl
def envkit_finetune(run: Run) -> Result:
    return Result(metrics={"dev/score": 1.0})
"""
SOUND_EXTENSION = """
from envkit.api import hookimpl


@hookimpl
def envkit_checks() -> list:
    return []
"""


@dataclass(frozen=True, kw_only=True)
class SmallDistribution:
    """A distribution: its name, what its module says, and what its metadata say where that is not the usual.

    ``entries`` are the lines of ``entry_points.txt`` in each group; ``metadata`` and ``module`` are written as they
    are, bytes or text, or left out where they are None.
    """

    name: str
    entries: Mapping[str, tuple[str, ...]]
    module: str | bytes | None = SOUND_TASK
    metadata: str | bytes | None = ""
    entry_points: bytes = b""
    version: str = "1.0"

    @property
    def package(self) -> str:
        """Return the name of its module."""
        return self.name.replace("-", "_")

    def install(self, site: Path) -> None:
        """Write it into a folder, as it lies there installed."""
        info = site / f"{self.package}-{self.version}.dist-info"
        info.mkdir(parents=True)
        if self.module is not None:
            _write(site / f"{self.package}.py", self.module)
        if self.metadata is not None:
            _write(info / "METADATA", self.metadata or self._usual_metadata())
        lines = "".join(
            f"[{group}]\n" + "".join(f"{line}\n" for line in lines) for group, lines in self.entries.items()
        )
        _write(info / "entry_points.txt", lines.encode() + self.entry_points)

    def _usual_metadata(self) -> str:
        return (
            f"Metadata-Version: 2.4\nName: {self.name}\nVersion: {self.version}\n"
            f"Summary: What {self.name} is for\nProject-URL: Issues, https://example.org/{self.name}/issues\n"
        )


def small_task(name: str, *, task: str | None = None, **rest: object) -> SmallDistribution:
    """Return a distribution `envkit-NAME` with the task NAME, sound where nothing else is said."""
    dist = f"envkit-{name}"
    entries = {"envkit.tasks": (f"{task or name} = {dist.replace('-', '_')}",)}
    return SmallDistribution(name=dist, entries=entries, **rest)  # type: ignore[arg-type]


def small_extension(name: str, module: str = SOUND_EXTENSION, **rest: object) -> SmallDistribution:
    """Return a distribution `envkit-NAME` with one extension."""
    dist = f"envkit-{name}"
    entries = {"envkit.extensions": (f"{name} = {dist.replace('-', '_')}",)}
    return SmallDistribution(name=dist, entries=entries, module=module, **rest)  # type: ignore[arg-type]


def _write(file: Path, content: str | bytes) -> None:
    file.write_bytes(content if isinstance(content, bytes) else dedent(content).encode())
