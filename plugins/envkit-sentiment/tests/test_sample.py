from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from envkit_sentiment.read import SAMPLE_DIR

SCRIPT = Path(__file__).parents[1] / "scripts" / "make_sample.py"


def test_sample_is_what_its_script_writes(tmp_path: Path) -> None:
    subprocess.run([sys.executable, str(SCRIPT), str(tmp_path)], check=True, capture_output=True)
    for split in ("train", "dev", "test"):
        name = f"{split}.csv"
        assert (tmp_path / name).read_bytes() == (SAMPLE_DIR / name).read_bytes()
