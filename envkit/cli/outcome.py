"""How a run ended, on the screen: scores, what explains them, where the time went, what to do next."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from envkit.cli import render

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from envkit.api.records import RunResult


def headline_scores(metrics: Mapping[str, float], *, headline: str) -> list[tuple[str, str]]:
    """Return the headline metric of each split that has it, as shown."""
    names = [f"{split}/{headline}" for split in ("dev", "test")]
    return [(name, f"{metrics[name]:.4f}") for name in names if name in metrics]


def print_outcome(result: RunResult, *, folder: Path, headline: str) -> None:
    """Print tables, scores and times of a run that has ended."""
    console = render.screen()
    for table in result.tables:
        render.print_record_table(table, console=console)
    console.print()
    pairs = headline_scores(result.metrics, headline=headline)
    pairs += [("run", render.path_text(folder))]
    if result.model_dir is not None:
        pairs += [("model", render.path_text(folder / result.model_dir))]
    if result.seconds:
        parts = [f"{name} {render.seconds_text(seconds)}" for name, seconds in result.seconds.items()]
        pairs += [("time", "  ".join(parts))]
    render.print_pairs(pairs, console=console)
    if result.error is not None:
        if result.error.traceback:
            console.print(Text(f"\n{result.error.traceback.rstrip()}\n"))
        pairs = [("error", result.error.message)]
        render.print_pairs(
            [*pairs, ("hint", result.error.hint)] if result.error.hint else pairs, console=console
        )
