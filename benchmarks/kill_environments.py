"""Kill `envkit env create` and `env sync` with SIGKILL at random moments: does anything half-made remain?

    python benchmarks/kill_environments.py [--backend venv conda] [--kills 20] [--seed 0]

Half of the kills take the children along, half leave them to end by themselves. After each kill every environment
that is listed must work, the changed one in its old or its new state; the next try must succeed; and nothing may
be left that belongs to no environment, nor any lock held. Offline. Ends with an error at the first that fails.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from environments.kills import kill_changes, kill_creations, make_workplace


def main() -> None:
    """Kill, look, try again; print a line a kill and a table."""
    given = parse()
    dice = random.Random(given.seed)
    counts: Counter[tuple[str, str, str]] = Counter()
    for backend in given.backend:
        with tempfile.TemporaryDirectory() as folder:
            place = make_workplace(Path(folder, "place"), backend=backend, parts=5 * given.kills)
            for kills in (kill_creations, kill_changes):
                for kill in kills(place, kills=given.kills, dice=dice):
                    whom = "with its children" if kill.with_children else "alone"
                    print(
                        f"{backend} {kill.command}: killed {whom} after {kill.after:.2f} s, left {kill.left}"
                    )
                    counts[backend, kill.command, kill.left] += 1
    print(f"\n{'backend':8} {'command':8} {'left':12} {'kills':>5}")
    for (backend, command, left), number in sorted(counts.items()):
        print(f"{backend:8} {command:8} {left:12} {number:5}")
    print("every environment worked after every kill, every next try succeeded, no lock stayed")


def parse() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--backend", nargs="+", choices=["venv", "conda"], default=["venv", "conda"])
    parser.add_argument("--kills", type=int, default=20, help="of each command, a backend")
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


if __name__ == "__main__":
    main()
