"""The folders that matter on a machine: whose disks fill up, and where torch may be installed."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from envkit.machine.installers import uv_cache_dir
from envkit.machine.torch_sites import TorchPlace
from envkit.models import hub_cache_dir

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

ENVIRONMENTS, RUNS, UV_CACHE = "environments", "runs", "uv cache"
HUB_CACHE, TEMPORARY = "hub cache", "temporary files"
THIS_PYTHON = ""
_RECORD_FILE = "envkit-env.json"  # what makes an environment a whole one
_PACKAGES = ("site-packages", "dist-packages")


def usual_places(home: Path, cwd: Path, environ: Mapping[str, str]) -> dict[str, Path]:
    """Return the folders by purpose, absolute; ``home`` is envkit's own, ``cwd`` where runs are started."""
    places = {
        ENVIRONMENTS: home / "envs",
        RUNS: cwd / "runs",
        UV_CACHE: uv_cache_dir(environ),
        HUB_CACHE: hub_cache_dir(environ),
        TEMPORARY: temporary_dir(environ),
    }
    return {purpose: cwd / folder for purpose, folder in places.items()}


def temporary_dir(environ: Mapping[str, str]) -> Path:
    """Return where Python and uv put temporary files: where a variable says, else /tmp."""
    return Path(next((environ[name] for name in ("TMPDIR", "TEMP", "TMP") if environ.get(name)), "/tmp"))


def usual_sites(home: Path, *, search_path: Sequence[str] | None = None) -> dict[str, TorchPlace]:
    """Return where the packages of this Python are, and those of each managed environment, by its name.

    ``search_path`` is where this Python looks for modules.
    """
    sites = {}
    if (own := _own_packages(sys.path if search_path is None else search_path)) is not None:
        sites[THIS_PYTHON] = TorchPlace(path=own, python=".".join(map(str, sys.version_info[:2])))
    folder = home / "envs"
    try:
        names = sorted(os.listdir(folder))  # noqa: PTH208  # names are all that is needed
    except OSError:
        names = []
    for name in names:
        prefix = folder / name
        if not name.startswith(".") and (prefix / _RECORD_FILE).is_file():
            for packages in prefix.glob("lib/python3.*/site-packages"):
                python = re.fullmatch(r"python(3\.\d+)", packages.parent.name)
                sites[name] = TorchPlace(path=packages, python=python[1] if python else None)
    return sites


def _own_packages(search_path: Sequence[str]) -> Path | None:
    """Return the folder that torch would be imported from, else the one that it would be installed into."""
    folders = [Path(folder) for folder in search_path if folder.endswith(_PACKAGES)]
    return next((folder for folder in folders if (folder / "torch").is_dir()), next(iter(folders), None))
