"""Start many `envkit env create` at once, of one name and of different ones: is each made once, and do all succeed?

    python benchmarks/parallel_environments.py [--backend venv conda] [--processes 20]

Offline. Ends with an error where a process fails, a name is made twice, or anything is left besides.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from environments.kills import make_workplace, straight, together


def main() -> None:
    """Make one alone, then one by many, then many; print the times."""
    given = parse()
    for backend in given.backend:
        with tempfile.TemporaryDirectory() as folder:
            place = make_workplace(Path(folder, "place"), backend=backend, parts=0)
            print(f"{backend}: one by one process: {straight(place, place.create('alone')):.1f} s")
            began = time.monotonic()
            made = together(place, ["one"] * given.processes)
            seconds = time.monotonic() - began
            print(f"{backend}: one by {given.processes} processes: {seconds:.1f} s, made {made['one']} time")
            assert made == {"one": 1}
            names = [f"env-{number}" for number in range(given.processes)]
            began = time.monotonic()
            made = together(place, names)
            seconds = time.monotonic() - began
            print(f"{backend}: {len(names)} names: {seconds:.1f} s, each made {max(made.values())} time")
            assert made == dict.fromkeys(names, 1)


def parse() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--backend", nargs="+", choices=["venv", "conda"], default=["venv", "conda"])
    parser.add_argument("--processes", type=int, default=20)
    return parser.parse_args()


if __name__ == "__main__":
    main()
