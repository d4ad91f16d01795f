"""Make a conda prefix with envkit and with bare py-rattler, from the same local channel, by turns.

``python benchmarks/conda_prefix.py [--repeats 5]``: medians, with packages unpacked in the cache already (warm)
and unpacked anew each time (cold). Each way is a process of its own, from its start to its end: a script with
envkit's two calls, a script with rattler's two calls, and ``envkit env create``, less the seconds of its proof.
The bar is 1.3 times the bare script. Shown besides: the seconds of the two calls alone, without start and
imports, and the processor's seconds of all processes together, the proof's too. All keep bytecode, as installed
packages do: where the shell forbids it, modules changed since would be compiled anew each time.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from conda_channel import MINOR, build_channel, python_package, small_packages

if TYPE_CHECKING:
    from collections.abc import Callable

ENVIRON = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
PACKAGES = ("hello", "built-module", "settings", "fonts")
BAR = 1.3
BARE = """
import asyncio, os, sys, time
from pathlib import Path
from rattler import Channel, Gateway, MatchSpec, install, solve

async def main(channel, cache, prefix, minor, *packages):
    began = time.perf_counter()
    specs = [MatchSpec(spec) for spec in (f"python {minor}.*", *packages)]
    gateway = Gateway(cache_dir=Path(cache, "indexes"))
    records = await solve([Channel(channel)], specs, gateway=gateway)
    await install(
        records, prefix, cache_dir=Path(cache, "packages"), execute_link_scripts=True, show_progress=False
    )
    print(time.perf_counter() - began, flush=True)

asyncio.run(main(*sys.argv[1:]))
os._exit(0)  # rattler 0.28 sometimes crashes where Python ends by itself
"""
ENVKIT = """
import os, sys, time
channel, cache, prefix, minor, *packages = sys.argv[1:]
environ = {**os.environ, "HOME": cache}
from envkit.environments.conda.process import start_ahead
start_ahead(environ)  # as the commands do

from pathlib import Path
from envkit.api import BackendContext, BaseRequest
from envkit.environments.conda.backend import CondaBackend

class Silent:
    def step(self, text): pass

began = time.perf_counter()
context = BackendContext(environ=environ, cache_dir=Path(cache), channels=(channel,))
request = BaseRequest(
    python=f"=={minor}.*",
    packages=tuple(packages),
    system="linux" if sys.platform.startswith("linux") else "darwin",
    machine=os.uname().machine,
)
backend = CondaBackend()
base = backend.plan(request, context=context)
backend.install(
    base, Path(prefix), requested=packages, context=context, progress=Silent(), inherited=()
)
print(time.perf_counter() - began, flush=True)
os._exit(0)  # as the other
"""


@dataclass(frozen=True)
class Taken:
    """Seconds of a process, of what it does besides starting and importing, and of the processor."""

    process: float
    calls: float
    processor: float


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        channel = build_channel(folder / "channel", [(python_package(), ".conda"), *small_packages()])
        for is_cold in (False, True):
            taken = measure(channel.url, folder, repeats=options.repeats, is_cold=is_cold)
            show("cold" if is_cold else "warm", taken)


def measure(channel: str, folder: Path, *, repeats: int, is_cold: bool) -> dict[str, list[Taken]]:
    """Return what each way took, turn by turn; one turn more is made first and not counted."""
    ways: dict[str, Callable[[str, Path], Taken]] = {
        "envkit": lambda channel, folder: run_script(ENVKIT, channel, folder),
        "bare py-rattler": lambda channel, folder: run_script(BARE, channel, folder),
        "env create": run_command,
    }
    taken: dict[str, list[Taken]] = {way: [] for way in ways}
    names = list(ways)
    for turn in range(repeats + 1):
        for place in range(len(names)):
            way = names[(turn + place) % len(names)]
            own = folder / way
            if is_cold:
                shutil.rmtree(own, ignore_errors=True)
            own.mkdir(exist_ok=True)
            os.sync()  # nobody waits for what another wrote or removed
            each = ways[way](channel, own)
            if turn:
                taken[way].append(each)
    return taken


def run_script(script: str, channel: str, folder: Path) -> Taken:
    """Solve and install in one script."""
    prefix = folder / "prefix"
    began, processor = time.perf_counter(), processor_seconds()
    said = subprocess.check_output(
        [sys.executable, "-c", script, channel, str(folder / "cache"), str(prefix), MINOR, *PACKAGES],
        env=ENVIRON,
        text=True,
    )
    ended = time.perf_counter()
    assert (prefix / "bin/say-hello").is_file()
    shutil.rmtree(prefix)
    return Taken(ended - began, float(said), processor_seconds() - processor)


def run_command(channel: str, folder: Path) -> Taken:
    """Make the same as an environment: the command's seconds, the proof's taken off."""
    asked = folder / "environment.yml"
    asked.write_text(json.dumps({"dependencies": [f"python={MINOR}", *PACKAGES]}))  # JSON is YAML
    home = folder / "home"
    environ = {**ENVIRON, "ENVKIT_HOME": str(home), "ENVKIT_CHANNELS": channel, "HOME": str(folder)}
    create = [sys.executable, "-m", "envkit", "env", "create", "bench", "--backend", "conda"]
    began, processor = time.perf_counter(), processor_seconds()
    subprocess.run([*create, "--file", str(asked)], env=environ, capture_output=True, check=True)
    ended = time.perf_counter()
    prefix = home / "envs/bench"
    assert (prefix / "bin/say-hello").is_file()
    record = json.loads((prefix / "envkit-env.json").read_text())
    shutil.rmtree(home / "envs")
    seconds = ended - began - record["proof"]["seconds"]
    return Taken(seconds, seconds, processor_seconds() - processor)


def processor_seconds() -> float:
    """Return what all ended processes that this one started have used."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def show(state: str, taken: dict[str, list[Taken]]) -> None:
    """Print the medians and their ratios to the bare script's."""
    bare = statistics.median(each.process for each in taken["bare py-rattler"])
    print(f"{state} cache")
    for way, turns in taken.items():
        seconds = [each.process for each in turns]
        middle = statistics.median(seconds)
        print(
            f"  {way:16} median {middle:.3f} s, {min(seconds):.3f} to {max(seconds):.3f}: "
            f"{middle / bare:.2f} times the bare script; "
            f"processor {statistics.median(each.processor for each in turns):.3f} s"
        )
    calls = {way: statistics.median(each.calls for each in turns) for way, turns in taken.items()}
    print(
        f"  the two calls alone: envkit {calls['envkit']:.3f} s, rattler {calls['bare py-rattler']:.3f} s; "
        f"envkit's to the bare script {calls['envkit'] / bare:.2f} (bar {BAR})"
    )


if __name__ == "__main__":
    main()
