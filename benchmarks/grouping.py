"""Do steps of rows of about one length train as well as steps of rows drawn at random?

    python benchmarks/grouping.py FOLDER [--rows 2000] [--epochs 3] [--seed 1 2 3]

FOLDER holds CoNLL-2003's train.txt and valid.txt. Both sides see the same rows in steps of the same number of
tokens; they alternate. Prints dev F1 of each seed, the means, and the padding of both.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from in_process import finetune
from sweep import shortened

from envkit.finetune import batching

if TYPE_CHECKING:
    from collections.abc import Iterator


def main() -> None:
    """Train both ways with each seed and print the scores."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--rows", type=int, default=2000)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--seed", type=int, nargs="+", default=[1, 2, 3])
    given = parser.parse_args()
    scores: dict[str, list[float]] = {"grouped": [], "random": []}
    padding: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder:
        options = {
            "train": str(shortened(given.folder / "train.txt", given.rows, Path(folder))),
            "dev": str(given.folder / "valid.txt"),
            "epochs": given.epochs,
        }
        for seed in given.seed:
            for way in ("grouped", "random"):
                with drawn_at_random(way == "random"):
                    result, account = finetune("ner", {**options, "seed": seed})
                scores[way].append(result.metrics["dev/entity_f1"])
                padding[way] = account.measures["padding_ratio"]
                print(f"seed {seed} {way:8} dev F1 {scores[way][-1]:.4f}", flush=True)
    for way, of_way in scores.items():
        print(f"{way:8} mean dev F1 {statistics.mean(of_way):.4f}, padded / real tokens {padding[way]:.3f}")
    print(
        f"difference {100 * (statistics.mean(scores['grouped']) - statistics.mean(scores['random'])):+.2f} points"
    )


@contextmanager
def drawn_at_random(is_so: bool) -> Iterator[None]:
    """Let a group of rows that are sorted by length be no larger than a step."""
    before = batching.GROUP_STEPS, batching.SMALLEST_GROUP
    if is_so:
        batching.GROUP_STEPS, batching.SMALLEST_GROUP = 1, 1
    try:
        yield
    finally:
        batching.GROUP_STEPS, batching.SMALLEST_GROUP = before


if __name__ == "__main__":
    main()
