"""Compare learning rates and sizes of a step on training data alone: a tenth of it, cut off by the seed, judges.

    python benchmarks/sweep.py ner --train train.conll --rows 2000 --learning-rate 1e-4 2e-4 --tokens-per-step 512 1024

Prints for each pair the mean and the range of the headline metric over the seeds, best first. The defaults of
the plugins come from tables like this one; neither dev nor test data of a benchmark ever chooses them.
"""

from __future__ import annotations

import argparse
import itertools
import statistics
import tempfile
from pathlib import Path

from in_process import finetune


def main() -> None:
    """Run all pairs and print the table."""
    given = parse()
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        train = shortened(given.train, given.rows, Path(folder))
        for rate, tokens in itertools.product(given.learning_rate, given.tokens_per_step):
            scores, speeds = [], []
            for seed in given.seed:
                options = {
                    "train": str(train),
                    "learning_rate": rate,
                    "tokens_per_step": tokens,
                    "epochs": given.epochs,
                    "seed": seed,
                    "precision": given.precision,
                }
                result, account = finetune(given.task, options)
                scores.append(
                    max(values[given.metric] for _, values in account.scores if given.metric in values)
                )
                speeds.append(account.measures["tokens_per_second"])
                del result
            rows.append(
                (statistics.mean(scores), rate, tokens, min(scores), max(scores), statistics.mean(speeds))
            )
            print(line(rows[-1]), flush=True)
    print("\nbest first:")
    for row in sorted(rows, reverse=True):
        print(line(row))


def line(row: tuple[float, float, int, float, float, float]) -> str:
    """Return one line of the table."""
    mean, rate, tokens, lowest, highest, speed = row
    return (
        f"learning rate {rate:<8g} {tokens:5} tokens a step  mean {mean:.4f}  "
        f"({lowest:.4f} to {highest:.4f})  {speed:,.0f} real tokens/s"
    )


def shortened(file: Path, rows: int | None, folder: Path) -> Path:
    """Return the file, or a copy of its first so many sentences or lines."""
    if rows is None:
        return file
    text = file.read_text(encoding="utf-8")
    blank_between = "\n\n" in text.strip()
    parts = text.split("\n\n") if blank_between else text.splitlines()
    copy = folder / file.name
    copy.write_text(("\n\n" if blank_between else "\n").join(parts[:rows]) + "\n", encoding="utf-8")
    return copy


def parse() -> argparse.Namespace:
    """Return the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("task")
    parser.add_argument("--train", type=Path, required=True)
    parser.add_argument("--rows", type=int, help="take the first so many alone")
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--metric", default="dev/entity_f1")
    parser.add_argument("--precision", default="auto")
    parser.add_argument("--learning-rate", type=float, nargs="+", required=True)
    parser.add_argument("--tokens-per-step", type=int, nargs="+", required=True)
    parser.add_argument("--seed", type=int, nargs="+", default=[1, 2])
    return parser.parse_args()


if __name__ == "__main__":
    main()
