"""Make a venv with torch and transformers with envkit, with bare uv and with venv and pip, by turns, caches warm.

``python benchmarks/create_speed.py [--repeats 5] [--pip-repeats 1]``: medians of whole processes, from the command
to its end, less the seconds of envkit's proof. Every side installs the same: torch of the build that envkit
chooses, and transformers. The bars: at most 1.15 times bare uv, at least 8 times as fast as pip. All keep
bytecode, as installed packages do: where the shell forbids it, modules changed since would be compiled each time.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from envkit.environments.uv import find_uv
from envkit.environments.uv_environment import uv_settings
from envkit.pip_configuration import read_pip_configuration

if TYPE_CHECKING:
    from collections.abc import Mapping

ENVIRON = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
UV_BAR, PIP_BAR = 1.15, 8.0
PACKAGES = ("transformers>=5.20,<6",)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--pip-repeats", type=int, default=1)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        torch = by_envkit(folder)[1]  # fills the caches, and says which torch it is
        requirements = folder / "requirements.txt"
        requirements.write_text("\n".join([torch, *PACKAGES, ""]), encoding="utf-8")
        by_uv(folder, requirements)
        envkit, bare = [], []
        for _ in range(given.repeats):
            envkit.append(by_envkit(folder)[0])
            bare.append(by_uv(folder, requirements))
        ours, uvs = statistics.median(envkit), statistics.median(bare)
        ratios = ", ".join(f"{one / other:.2f}" for one, other in zip(envkit, bare, strict=True))
        print(f"envkit {ours:.2f} s, bare uv {uvs:.2f} s: {ours / uvs:.2f} times (bar {UV_BAR}; {ratios})")
        if given.pip_repeats:
            by_pip(folder, requirements)  # pip's own cache is warm from here on
            pips = statistics.median(by_pip(folder, requirements) for _ in range(given.pip_repeats))
            print(f"venv and pip {pips:.1f} s: envkit is {pips / ours:.1f} times as fast (bar {PIP_BAR})")


def by_envkit(folder: Path) -> tuple[float, str]:
    """Return the seconds without the proof, and torch as a requirement."""
    home = folder / "home"
    words = ["env", "create", "speed", "--torch", "auto", "--json"]
    words += [word for package in PACKAGES for word in ("--with", package)]
    seconds, said = timed([sys.executable, "-m", "envkit", *words], {"ENVKIT_HOME": str(home)})
    record = json.loads((home / "envs" / "speed" / "envkit-env.json").read_text(encoding="utf-8"))
    assert json.loads(said)["ok"]
    shutil.rmtree(home)
    version = record["torch"]["version"]
    return seconds - record["proof"]["seconds"], f"torch{'==' if '+' in version else '==='}{version}"


def by_uv(folder: Path, requirements: Path) -> float:
    """Return the seconds of ``uv venv`` and ``uv pip install``, told of pip's configuration as envkit tells it."""
    settings = uv_settings(read_pip_configuration(), environ=ENVIRON)
    prefix, uv = folder / "bare", str(find_uv())
    install = [uv, "pip", "install", "--python", str(prefix / "bin/python"), *settings.arguments]
    seconds = timed([uv, "venv", "--python", sys.executable, str(prefix)], settings.environ)[0]
    seconds += timed([*install, "--requirements", str(requirements)], settings.environ)[0]
    shutil.rmtree(prefix)
    return seconds


def by_pip(folder: Path, requirements: Path) -> float:
    """Return the seconds of ``python -m venv`` and ``pip install``."""
    prefix = folder / "pip"
    seconds = timed([sys.executable, "-m", "venv", str(prefix)], {})[0]
    install = [str(prefix / "bin/python"), "-m", "pip", "install", "--quiet", "--requirement"]
    seconds += timed([*install, str(requirements)], {})[0]
    shutil.rmtree(prefix)
    return seconds


def timed(command: list[str], variables: Mapping[str, str]) -> tuple[float, str]:
    """Return how long the command took, and what it printed."""
    began: float = time.perf_counter()
    done = subprocess.run(command, check=False, env={**ENVIRON, **variables}, capture_output=True, text=True)
    seconds = time.perf_counter() - began
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return seconds, done.stdout


if __name__ == "__main__":
    main()
