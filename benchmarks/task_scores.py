"""Fine-tune each task on real data with its defaults and print the score beside the bar.

    python benchmarks/task_scores.py FOLDER [--only trec sst2 agnews imdb]

FOLDER holds trec, sst2, agnews and imdb. ``imdb`` compares what a model that reads long reviews in windows
learns with one that sees their first 128 pieces.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from in_process import finetune

if TYPE_CHECKING:
    from collections.abc import Mapping

SST2_ROWS = 20_000


def main() -> None:
    """Run what was asked for and print a line for each."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--only", nargs="+", choices=RUNS, default=list(RUNS))
    parser.add_argument("--seed", type=int, default=42)
    given = parser.parse_args()
    for name in given.only:
        with tempfile.TemporaryDirectory() as scratch:
            RUNS[name](given.folder, Path(scratch), given.seed)


def trec(folder: Path, scratch: Path, seed: int) -> None:
    """Coarse classes of questions."""
    files = {"train": folder / "trec/train.txt", "test": folder / "trec/test.txt"}
    options = {"label_part": "first", "encoding": "iso-8859-1", "epochs": 3, "seed": seed}
    report("TREC, coarse, 3 epochs", "classification", files, options, metric="test/accuracy", bar=0.94)


def agnews(folder: Path, scratch: Path, seed: int) -> None:
    """Topics of news."""
    files = {"train": folder / "agnews/train.tsv", "test": folder / "agnews/test.tsv"}
    report("AG News, test", "classification", files, {"seed": seed}, metric="test/accuracy", bar=0.89)


def sst2(folder: Path, scratch: Path, seed: int) -> None:
    """Polarity of sentences and phrases, the first 20,000 of train."""
    lines = (folder / "sst2/train.tsv").read_text(encoding="utf-8").splitlines(keepends=True)
    train = scratch / "train.tsv"
    train.write_text("".join(lines[: 1 + SST2_ROWS]), encoding="utf-8")
    files = {"train": train, "dev": folder / "sst2/dev.tsv", "test": folder / "sst2/test.tsv"}
    report("SST-2, 20,000 rows, dev", "sentiment", files, {"seed": seed}, metric="dev/accuracy", bar=0.88)


def imdb(folder: Path, scratch: Path, seed: int) -> None:
    """Long reviews: all of them in windows, against their beginnings."""
    files = {"train": folder / "imdb/train.jsonl", "test": folder / "imdb/test.jsonl"}
    found = [
        report(
            f"IMDB, {name}", "sentiment", files, {"seed": seed, **options}, metric="test/accuracy", bar=None
        )
        for name, options in (
            ("windows", {"long_text": "window"}),
            ("truncated at 128", {"long_text": "truncate", "window": 128}),
        )
    ]
    print(f"IMDB, windows above truncation: {100 * (found[0] - found[1]):+.1f} points (bar 3.0)", flush=True)


def report(
    name: str,
    task: str,
    files: Mapping[str, Path],
    options: Mapping[str, Any],
    *,
    metric: str,
    bar: float | None,
) -> float:
    """Run the task, print its score with its interval, speed and time, and return the score."""
    began = time.monotonic()
    result, account = finetune(task, {**{split: str(file) for split, file in files.items()}, **options})
    low, high = result.intervals.get(metric, (float("nan"), float("nan")))
    others = ", ".join(
        f"{other} {value:.4f}" for other, value in result.metrics.items() if other != metric and value <= 1
    )
    print(
        f"{name}: {metric} {result.metrics[metric]:.4f} ({low:.4f} to {high:.4f})"
        f"{'' if bar is None else f' (bar {bar})'}; {others}; {len(account.steps)} steps, "
        f"{account.measures['tokens_per_second']:,.0f} real tokens/s, "
        f"{(time.monotonic() - began) / 60:.1f} minutes",
        flush=True,
    )
    return result.metrics[metric]


RUNS = {"trec": trec, "sst2": sst2, "agnews": agnews, "imdb": imdb}

if __name__ == "__main__":
    main()
