"""A person with a shell and a checkout, as README finds them."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@dataclass(frozen=True)
class Person:
    """Somebody with a shell: a folder to stand in, and variables."""

    folder: Path
    environ: dict[str, str]

    def types(
        self, line: str, *, timeout: float = 600, check: bool = True
    ) -> subprocess.CompletedProcess[str]:
        """Run one line in bash and return what came of it."""
        done = subprocess.run(
            ["bash", "-c", line],
            cwd=self.folder,
            env=self.environ,
            capture_output=True,
            text=True,
            timeout=timeout,
            stdin=subprocess.DEVNULL,
            check=False,
        )
        if check and done.returncode != 0:
            pytest.fail(
                f"{line!r} ended with {done.returncode}\n{done.stdout[-3000:]}\n{done.stderr[-6000:]}"
            )
        return done


def readme_lines() -> list[str]:
    """Return the commands of README's first block."""
    block = re.search(r"```sh\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    assert block is not None
    return block.group(1).strip().splitlines()


def copy_checkout(destination: Path) -> None:
    """Copy what git tracks, or would track, as a clone has it: no build, no cache."""
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    for name in listed.stdout.splitlines():
        if (ROOT / name).is_file():
            (destination / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, destination / name)


def fresh_environ(home: Path, *, without: tuple[str, ...] = ()) -> dict[str, str]:
    """Return the variables of a new shell: none of the test run's own, ``envkit_home`` empty."""
    dropped = ("ENVKIT_", "PYTHON", "VIRTUAL_ENV", "TOX_", "PYTEST_", "COV_", *without)
    environ = {name: value for name, value in os.environ.items() if not name.startswith(dropped)}
    environ.pop("PIP_CONSTRAINT", None)  # of the test environment, not of a person
    environ["ENVKIT_HOME"] = str(home)
    # `python3` is the interpreter that runs the tests, whatever else stands on PATH.
    environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), environ["PATH"]])
    return environ
