"""Choose torch builds for a grid of machines, by envkit and by uv's ``--torch-backend=auto``.

``python benchmarks/torch_grid.py [--step 1] [--uv uv] [--cells FILE]``: 28 drivers from 450 to 600, 19 compute
capabilities from 5.0 to 12.1 alone and in pairs, Linux, Windows and macOS, x86-64 and aarch64, Python 3.10 to 3.14.
Every choice of envkit is held against a second statement of the rules (tests/torch_rules.py), written without its
code. uv is asked once for each driver and system which folders of the torch index it would look into; it takes the
newest CUDA of them, and there the newest torch. Both are judged by the kernels in envkit's table: the bars are that
no choice of envkit breaks a rule, and that none lacks kernels or is older than a choice of uv's that works.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass
from functools import cache
from itertools import islice
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from torch_grid import breach, cells, choose
from torch_rules import Build, Cell, find, suits, wheels

from envkit.environments.uv import find_uv

_PLATFORMS = {
    ("linux", "x86_64"): "x86_64-manylinux_2_28",
    ("linux", "aarch64"): "aarch64-manylinux_2_28",
    ("windows", "x86_64"): "x86_64-pc-windows-msvc",
}
_TIMEOUT = 60
# "nor has any": uv installs gigabytes for a GPU that no build in the table runs on, envkit the CPU build.
_WORSE = ("no kernels", "no kernels, nor has any", "older")


@dataclass(frozen=True)
class Verdict:
    """How both sides serve one machine: ``uv`` and ``ours`` are a word each, ``fault`` a broken rule."""

    uv: str
    ours: str
    fault: str | None
    uv_build: Build | None
    our_build: Build | None


def main() -> None:
    """Go over the grid, print the tables and end with 1 where a bar is missed."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--step", type=int, default=1, help="look at every so-manieth machine")
    parser.add_argument(
        "--uv", type=Path, default=None, help="uv's program; by default the one that envkit uses"
    )
    parser.add_argument("--cells", type=Path, help="write each machine that uv serves worse into this file")
    given = parser.parse_args()
    uv = str(given.uv or find_uv())
    print(subprocess.run([uv, "--version"], capture_output=True, text=True, check=True).stdout.strip())
    counts: dict[tuple[str, str], Counter[str]] = {}
    worse: Counter[tuple[str, str, str, str]] = Counter()
    listed, faults = [], []
    for cell in islice(cells(), 0, None, given.step):
        verdict = judge(cell, uv)
        count = counts.setdefault((cell.system, cell.machine), Counter())
        count["machines"] += 1
        count[f"uv {verdict.uv}"] += 1
        count[f"envkit {verdict.ours}"] += 1
        if verdict.fault:
            faults.append(f"{cell}: {verdict.fault}")
        if verdict.uv in _WORSE:
            listed.append(line_of(cell, verdict))
            if len(cell.capabilities) == 1:
                names = name(verdict.uv_build), name(verdict.our_build)
                worse[(f"{cell.system} {cell.machine}", cell.capabilities[0], *names)] += 1
    show(counts, worse)
    if given.cells:
        given.cells.write_text("".join(f"{line}\n" for line in listed), encoding="utf-8")
    behind = sum(count[f"envkit {word}"] for count in counts.values() for word in ("no kernels", "older"))
    print(
        f"\nrules broken by envkit: {len(faults)} (bar 0); without kernels or older than uv's: {behind} (bar 0)"
    )
    for fault in faults[:20]:
        print(fault)
    if faults or behind:
        sys.exit(1)


def judge(cell: Cell, uv: str) -> Verdict:
    """Return how envkit and uv serve a machine."""
    choice = choose(cell)
    fault = breach(cell, choice)
    ours = None if choice is None else find(cell, choice.version, choice.variant)
    theirs = first_of_uv(cell, uv)
    their_works = theirs is not None and suits(theirs, cell)
    uv_word = "no build in the table"
    if theirs is not None:
        none_has = ours is None or ours.cuda is None
        uv_word = "no kernels, nor has any" if none_has else "no kernels"
        if their_works:
            uv_word = "the same or newer"
        if their_works and ours is not None and ours.cuda and ours.torch > theirs.torch:
            uv_word = "older"
    our_word = "nothing fits" if ours is None else "CPU or Apple" if ours.cuda is None else "fits"
    if ours is not None and not suits(ours, cell):
        our_word = "no kernels"
    elif (
        their_works
        and theirs is not None
        and (ours is None or ours.cuda is None or ours.torch < theirs.torch)
    ):
        our_word = "older"
    return Verdict(uv_word, our_word, fault, theirs, ours)


def first_of_uv(cell: Cell, uv: str) -> Build | None:
    """Return the newest torch in the first folder of uv's that the table knows any in."""
    platform = _PLATFORMS.get((cell.system, cell.machine))
    if platform is None:
        return None
    for variant in folders_of_uv(uv, cell.driver, platform):
        builds = [
            b for b in wheels(cell.system, cell.machine, cell.python) if b.variant == variant and b.cuda
        ]
        if builds:
            return max(builds, key=lambda build: build.torch)
    return None


@cache
def folders_of_uv(uv: str, driver: str, platform: str) -> tuple[str, ...]:
    """Return CUDA's folders of the torch index that uv would look into for a driver, the newest first."""
    environ = {key: value for key, value in os.environ.items() if not key.startswith(("UV_", "PIP_"))}
    with tempfile.TemporaryDirectory() as scratch:
        words = [
            uv,
            "pip",
            "install",
            "--dry-run",
            "--offline",
            "--no-config",
            "--cache-dir",
            f"{scratch}/cache",
        ]
        words += ["--torch-backend=auto", "--python-platform", platform, "--target", f"{scratch}/target"]
        words += ["--python", sys.executable, "-v", "torch"]
        done = subprocess.run(
            words,
            env={**environ, "UV_CUDA_DRIVER_VERSION": driver},
            cwd=scratch,
            capture_output=True,
            text=True,
            timeout=_TIMEOUT,
            check=False,
        )
    found = {match for match in re.findall(r"/whl/(cu\d+)/torch", done.stderr)}
    if not found and "/whl/cpu/torch" not in done.stderr:
        raise SystemExit(f"uv does not say where it looks for torch:\n{done.stderr}")
    return tuple(sorted(found, key=lambda variant: (len(variant), variant), reverse=True))


def show(counts: dict[tuple[str, str], Counter[str]], worse: Counter[tuple[str, str, str, str]]) -> None:
    """Print both tables."""
    words = ("machines", *(f"uv {word}" for word in _WORSE), "envkit no kernels", "envkit older")
    print(f"\n| system | {' | '.join(words)} |\n|---|{'---|' * len(words)}")
    for (system, machine), count in counts.items():
        print(f"| {system} {machine} | {' | '.join(str(count[word]) for word in words)} |")
    print("\nMachines with one kind of GPU where uv's first choice has no kernels or is older:\n")
    print("| system | compute capability | uv | envkit | drivers x Pythons |\n|---|---|---|---|---|")
    for (system, capability, theirs, ours), number in worse.items():
        print(f"| {system} | {capability} | {theirs} | {ours} | {number} |")


def line_of(cell: Cell, verdict: Verdict) -> str:
    """Return one machine and both choices, for a file."""
    gpus = "+".join(cell.capabilities)
    machine = f"{cell.system} {cell.machine} driver {cell.driver} {gpus} Python {cell.python}"
    return f"{machine}: uv {name(verdict.uv_build)} ({verdict.uv}), envkit {name(verdict.our_build)}"


def name(build: Build | None) -> str:
    """Return a build as people name it."""
    return "none" if build is None else f"{'.'.join(map(str, build.torch))}+{build.variant}"


if __name__ == "__main__":
    main()
