"""Fine-tune on all of CoNLL-2003 and score its test data, reading sentences alone and sentences in their documents.

    python benchmarks/conll2003.py FOLDER [--epochs 3] [--context sentence document] [--seed 42]

FOLDER holds train.txt, valid.txt and test.txt. Prints strict and lenient entity F1 with the 95 % interval of the
strict one, tokens per second and the minutes that it took.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

from in_process import finetune


def main() -> None:
    """Run each context and print a line for it."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--context", nargs="+", default=["sentence", "document"])
    parser.add_argument("--seed", type=int, default=42)
    given = parser.parse_args()
    for context in given.context:
        began = time.monotonic()
        options = {
            "data": str(given.folder),
            "epochs": given.epochs,
            "context": context,
            "seed": given.seed,
        }
        result, account = finetune("ner", options)
        metrics = result.metrics
        low, high = result.intervals["test/entity_f1"]
        print(
            f"{context:9} test F1 {metrics['test/entity_f1']:.4f} ({low:.4f} to {high:.4f}) strict, "
            f"{metrics['test/entity_f1_lenient']:.4f} lenient; "
            f"dev F1 {metrics['dev/entity_f1']:.4f} strict, {metrics['dev/entity_f1_lenient']:.4f} lenient; "
            f"{account.measures['tokens_per_second']:,.0f} real tokens/s, "
            f"{(time.monotonic() - began) / 60:.1f} minutes; {account.choices['precision']}",
            flush=True,
        )


if __name__ == "__main__":
    main()
