"""What a checkpoint a minute costs: the same steps with checkpoints and without, alternating.

    python benchmarks/checkpoint_cost.py [--steps 12] [--every 4] [--repeats 5]

Prints the seconds that one checkpoint of the default model adds, and its share of a minute (bar: 5 %).
"""

from __future__ import annotations

import argparse
import statistics

from in_process import finetune


def main() -> None:
    """Measure both and print the share."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--steps", type=int, default=12)
    parser.add_argument("--every", type=int, default=4)
    parser.add_argument("--repeats", type=int, default=5)
    given = parser.parse_args()
    added = []
    for _ in range(given.repeats):
        with_them, without = (seconds(given.steps, every) for every in (given.every, 10**6))
        added.append((with_them - without) / (given.steps // given.every))
    cost = statistics.median(added)
    print(
        f"one checkpoint adds {cost:.3f} s (from {min(added):.3f} to {max(added):.3f}): {cost / 60:.2%} of a minute"
    )


def seconds(steps: int, every: int) -> float:
    """Return the seconds from the first step to the last, the checkpoints between them included."""
    options = {"max_steps": steps + 1, "checkpoint_every": every, "precision": "float32"}
    _, account = finetune("ner", options)
    return account.steps[-1][3] - account.steps[0][3]


if __name__ == "__main__":
    main()
