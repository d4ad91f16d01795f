"""Wheels of small plugins, and environments that they are installed into."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from importlib.metadata import distribution
from typing import TYPE_CHECKING

from packaging.requirements import Requirement
from small_wheels import write_wheel
from uv import find_uv_bin

from envkit.authoring.calls import Runner
from envkit.environments.wheels import remake_wheel
from envkit.owner import Owner, find_owner

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

SITE = f"lib/python3.{sys.version_info.minor}/site-packages"
CHECKS = "from envkit.api import hookimpl\n\n@hookimpl\ndef envkit_checks():\n    return []\n"


def write_plugin(
    folder: Path, name: str, version: str = "1.0", *, code: str = CHECKS, needs: tuple[str, ...] = ()
) -> Path:
    """Write the wheel of an extension named as its distribution is."""
    module = name.replace("-", "_")
    entry_points = f"[envkit.extensions]\n{name} = {module}\n"
    return write_wheel(folder, name, version, needs=needs, code=code, entry_points=entry_points)


class Quiet:
    """Progress that nobody looks at."""

    def say(self, text: str) -> None: ...

    def step(self, text: str) -> None: ...

    def bytes(self, done: int, total: int | None, what: str) -> None: ...


def offline(folder: Path, *, links: Path) -> dict[str, str]:
    """Return variables by which installers know one folder of wheels and nothing else."""
    return {
        "PATH": "/usr/bin:/bin",
        "HOME": str(folder / "home"),
        "ENVKIT_HOME": str(folder / "envkit"),
        "UV_CACHE_DIR": str(folder / "cache"),
        "UV_NO_CONFIG": "1",
        "UV_PYTHON_DOWNLOADS": "never",
        "PIP_CONFIG_FILE": "/dev/null",
        "PIP_NO_INDEX": "1",
        "PIP_FIND_LINKS": str(links),
        "NO_COLOR": "1",
    }


def make_venv(prefix: Path) -> Owner:
    """Make a venv without pip."""
    uv = [find_uv_bin(), "--quiet", "--no-config", "--offline", "venv", "--no-project"]
    subprocess.run([*uv, "--python", sys.executable, str(prefix)], check=True)
    return owner_of(prefix)


def owner_of(prefix: Path) -> Owner:
    """Return the owner of a venv that was made from this interpreter."""
    return find_owner(prefix=prefix, python=prefix / "bin/python", site=prefix / SITE)


def runner_of(owner: Owner, folder: Path, *, environ: Mapping[str, str]) -> Runner:
    """Return what runs calls for this environment; ``folder`` is made for its files."""
    folder.mkdir(exist_ok=True)
    return Runner(owner=owner, folder=folder, progress=Quiet(), environ=environ)


def write_envkit(folder: Path) -> None:
    """Write the wheels of envkit and of all that it needs, as they are installed here."""
    waiting, seen = ["envkit-ml"], set()
    while waiting:
        dist = distribution(waiting.pop())
        if dist.name in seen:
            continue
        seen.add(dist.name)
        remake_wheel(dist, folder=folder)
        needs = [Requirement(line) for line in dist.requires or ()]
        waiting += [need.name for need in needs if need.marker is None or need.marker.evaluate({"extra": ""})]


def lay_out(wheel: Path, site: Path) -> Path:
    """Put a wheel's files into a folder for sys.path, as an installer would, and return the folder."""
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    return site
