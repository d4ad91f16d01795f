"""pytest in a process of its own, with the fixtures of envkit.testing: what they do to a test is seen from outside."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from dataclasses import dataclass
from importlib.metadata import entry_points
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

# An editable install of an older state does not name the plugin yet; one named twice would be refused.
NAMED = () if entry_points(group="pytest11", name="envkit") else ("-p", "envkit.testing.pytest_plugin")
_WITHOUT = ("cacheprovider", "xdist", "hypothesispytest")


@dataclass(frozen=True)
class PytestRun:
    """How it ended and what it printed."""

    exit: int
    out: str


def run_pytest(folder: Path, body: str, *words: str, **environ: str) -> PytestRun:
    """Run the tests of this body, as pytest does where envkit is installed and nothing is configured."""
    return run_pytest_files(folder, {"test_body.py": textwrap.dedent(body)}, *words, **environ)


def run_pytest_files(folder: Path, files: Mapping[str, str], *words: str, **environ: str) -> PytestRun:
    """Run the tests of these files, each written into the folder under its name."""
    for name, body in files.items():
        (folder / name).write_text(body, encoding="utf-8")
    without = [word for name in _WITHOUT for word in ("-p", f"no:{name}")]
    kept = {name: text for name, text in os.environ.items() if not name.startswith("PYTEST_")}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", *without, "-W", "error", "-c", os.devnull]
        + ["--rootdir", str(folder), *NAMED, *words, *(str(folder / name) for name in files)],
        cwd=folder,
        env={**kept, **environ},
        capture_output=True,
        text=True,
        check=False,
    )
    return PytestRun(done.returncode, done.stdout + done.stderr)
