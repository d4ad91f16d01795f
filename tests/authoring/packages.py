"""What the tests of made packages share: how one is looked at, installed and run."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from typing import TYPE_CHECKING, Any

from uv import find_uv_bin

if TYPE_CHECKING:
    from pathlib import Path


def read_project(folder: Path) -> dict[str, Any]:
    """Return what a package's pyproject.toml holds."""
    return tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))


def install(folder: Path, site: Path) -> dict[str, str]:
    """Install a package, without what it needs, into ``site``; return variables by which Python finds it."""
    uv = [find_uv_bin(), "--quiet", "pip", "install", "--no-deps", "--python", sys.executable]
    subprocess.run([*uv, "--target", str(site), str(folder)], check=True)
    return {
        **os.environ,
        "PYTHONPATH": str(site),
        "OMP_NUM_THREADS": "1",
        "HF_HUB_OFFLINE": "1",
        "NO_COLOR": "1",
        "COLUMNS": "80",
    }


def run(*words: str, folder: Path, environ: dict[str, str] | None = None) -> str:
    """Run a module of this Python in a folder, as in ``python -m``, and return what it prints; it has to succeed."""
    done = subprocess.run(
        [sys.executable, "-m", *words], cwd=folder, env=environ, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
