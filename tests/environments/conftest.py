"""Distributions, written as an installer leaves them, and what a command gives to `provide_environment`."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import sys
from importlib.metadata import Distribution, EntryPoint, PathDistribution, distribution
from typing import TYPE_CHECKING, Any

import pytest

from envkit.config import Settings
from envkit.environments.planning import Planning
from envkit.environments.wheels import remake_wheel
from envkit.machine import read_facts
from envkit.registry import TaskEntry

if TYPE_CHECKING:
    from pathlib import Path

FACTS = read_facts()


def write_distribution(
    prefix: Path,
    name: str,
    *,
    version: str = "1.0",
    files: dict[str, str] | None = None,
    headers: tuple[str, ...] = (),
    entry_points: str = "",
    tags: tuple[str, ...] = ("py3-none-any",),
) -> Distribution:
    """Install a distribution under the prefix by hand; ``files`` are relative to site-packages."""
    library = prefix / f"lib/python3.{sys.version_info.minor}/site-packages"
    stem = f"{name.replace('-', '_')}-{version}"
    info = f"{stem}.dist-info"
    metadata = "\n".join(["Metadata-Version: 2.4", f"Name: {name}", f"Version: {version}", *headers, ""])
    wheel = "\n".join(
        ["Wheel-Version: 1.0", "Generator: hand", "Root-Is-Purelib: true", *(f"Tag: {t}" for t in tags), ""]
    )
    contents = {
        f"{name.replace('-', '_')}/__init__.py": f"VERSION = {version!r}\n",
        **(files or {}),
        f"{info}/METADATA": metadata,
        f"{info}/WHEEL": wheel,
        f"{info}/INSTALLER": "hand\n",
        f"{info}/direct_url.json": "{}",
    }
    if entry_points:
        contents[f"{info}/entry_points.txt"] = entry_points
    rows = io.StringIO()
    writer = csv.writer(rows, lineterminator="\n")
    for place, text in contents.items():
        file = library / place
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
        writer.writerow([place, f"sha256={digest}", len(text.encode())])
    writer.writerow([f"{info}/RECORD", "", ""])
    (library / info / "RECORD").write_text(rows.getvalue())
    return PathDistribution(library / info)


@pytest.fixture
def install(tmp_path: Path) -> Any:
    """Write a distribution into one prefix a test."""

    def write(name: str, **kwargs: Any) -> Distribution:
        return write_distribution(tmp_path / "prefix", name, **kwargs)

    return write


@pytest.fixture
def write() -> Any:
    """Write a distribution into any prefix."""
    return write_distribution


def task_entry(dist: Distribution, name: str = "echo") -> TaskEntry:
    """Return the entry of a plugin's task."""
    return TaskEntry(name, EntryPoint(name, f"{name}.plugin", "envkit.tasks"), dist)


@pytest.fixture
def entry_of() -> Any:
    return task_entry


@pytest.fixture(scope="session")
def find_links(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the wheels that every worker needs, and a tiny one: all an offline venv takes."""
    folder = tmp_path_factory.mktemp("wheels")
    for name in ("pluggy", "msgspec"):
        remake_wheel(distribution(name), folder=folder)
    tiny = write_distribution(tmp_path_factory.mktemp("tiny"), "tiny", version="1.5")
    remake_wheel(tiny, folder=folder)
    return folder


@pytest.fixture
def offline(find_links: Path, tmp_path: Path) -> dict[str, str]:
    """Return an environment of variables in which pip, and so uv, knows that folder only."""
    return {
        "PATH": "/usr/bin:/bin",
        "HOME": str(tmp_path / "home"),
        "UV_CACHE_DIR": str(tmp_path / "cache"),
        "PIP_CONFIG_FILE": "/dev/null",
        "PIP_NO_INDEX": "1",
        "PIP_FIND_LINKS": str(find_links),
    }


class Told:
    """Keep what the user would be told."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.steps: list[str] = []

    def say(self, text: str) -> None:
        self.said.append(text)

    def step(self, text: str) -> None:
        self.steps.append(text)

    def bytes(self, done: int, total: int | None, what: str) -> None:
        self.steps.append(what)


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def planning(tmp_path: Path, offline: dict[str, str]) -> Any:
    """Return the surroundings of a plan in which no network is asked; ``entries`` are the tasks there are."""

    def make(*entries: TaskEntry, **changes: Any) -> Planning:
        tasks = {entry.name: entry for entry in entries}
        settings = Settings(home=tmp_path / "home", torch_index="https://torch.invalid")
        given = {
            "facts": FACTS,
            "home": settings.home,
            "torch_index": settings.torch_index,
            "environ": offline,
            "settings": settings,
            "find_task": tasks.__getitem__,
        }
        return Planning(**{**given, **changes})

    return make
