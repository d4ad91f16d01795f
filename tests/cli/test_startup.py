"""`envkit --help` beside the least that it could take: python importing click."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time

import pytest


def seconds(code: str) -> float:
    began = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - began


@pytest.mark.slow
def test_help_takes_at_most_1_6_times_the_import_of_click() -> None:
    ratios = [
        seconds("import sys; from envkit.cli import main; sys.exit(main(['--help']))")
        / seconds("import click")
        for _ in range(21)
    ]

    assert statistics.median(ratios) <= 1.6
