"""Runs side by side, on the screen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from envkit.cli.compare import print_comparison
from envkit.runs.comparison import ComparedRun, Comparison

if TYPE_CHECKING:
    import pytest


def compared(name: str) -> ComparedRun:
    return ComparedRun(
        id=name, folder=name, task="echo", status="finished", created="2026-01-02T03:04:05", headline="f1"
    )


def test_compare_shows_what_keeps_scores_from_being_compared_within_80_columns(
    capsys: pytest.CaptureFixture[str],
) -> None:
    comparison = Comparison(
        runs=[compared("a"), compared("b")],
        options=[],
        data=[],
        versions=[],
        scores=[],
        figures=[],
        warnings=["the dev scores are of different data: " + "a word and another " * 10],
    )

    print_comparison(comparison)

    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 80
    assert any(line.startswith("warning: the dev scores are of different data") for line in lines)
