"""Write the sample data: dates as people write them, to be rewritten as in ISO 8601.

No date is in two of the files.

    python scripts/make_sample.py [FOLDER]
"""

from __future__ import annotations

import csv
import random
import sys
from datetime import date, timedelta
from pathlib import Path

SAMPLE_DIR = Path(__file__).parents[1] / "src" / "envkit_seq2seq" / "sample"
SEED = 5
ROWS = {"train": 600, "dev": 60, "test": 60}
FIRST, DAYS = date(1960, 1, 1), 25_000
FORMATS = ("{d} {name} {y}", "{name} {d}, {y}", "{d}.{m}.{y}", "{y}/{m:02}/{d:02}", "{d} {name:.3} {y}")


def main() -> None:
    """Write the three files."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else SAMPLE_DIR
    folder.mkdir(parents=True, exist_ok=True)
    chosen = random.Random(SEED)
    days = iter(chosen.sample(range(DAYS), sum(ROWS.values())))
    for split, count in ROWS.items():
        file = folder / f"{split}.csv"
        with file.open("w", encoding="utf-8", newline="") as opened:
            rows = csv.writer(opened, lineterminator="\n")
            rows.writerow(["text", "target"])
            for _ in range(count):
                day = FIRST + timedelta(days=next(days))
                parts = {"d": day.day, "m": day.month, "y": day.year, "name": f"{day:%B}"}
                rows.writerow([chosen.choice(FORMATS).format(**parts), day.isoformat()])
        print(f"{file}: {count} rows")


if __name__ == "__main__":
    main()
