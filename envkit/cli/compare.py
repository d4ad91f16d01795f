"""``envkit runs compare``: runs side by side."""

from __future__ import annotations

import textwrap
from pathlib import Path
from string import ascii_uppercase
from typing import TYPE_CHECKING, Any

import click

from envkit.api import UsageError
from envkit.cli import envelope
from envkit.runs.folder import RUNS_DIR, find_run

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from envkit.runs.comparison import ComparedScore, Comparison, Difference, Figure

_WIDTH = 80
_NONE = "-"
_HASH_LENGTH = 12  # of a hash's digits, enough to see that two are not the same


@click.command(name="compare", short_help="Compare runs: options, data, scores, speed.")
@click.argument("runs", nargs=-1, required=True, metavar="RUN RUN [RUN]...")
@click.option(
    "--runs-dir",
    type=click.Path(path_type=Path),
    default=RUNS_DIR,
    show_default=True,
    metavar="DIR",
    help="Folder that holds the runs.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead.")
def command(runs: tuple[str, ...], runs_dir: Path, as_json: bool) -> None:
    """Compare two runs or more with the first of them: what was different, and what came of it.

    Each RUN is a folder, an id, or the end of an id.
    """
    from envkit.runs.comparison import compare_runs

    if not 2 <= len(runs) <= len(ascii_uppercase):
        raise UsageError(
            f"{len(runs)} runs cannot be compared: give two or more", hint="To see the runs: envkit runs list"
        )
    comparison = compare_runs([find_run(run, runs_dir=runs_dir) for run in runs])
    if as_json:
        envelope.write(["runs", "compare"], data=comparison)
    else:
        print_comparison(comparison)


def print_comparison(comparison: Comparison) -> None:
    """Print the runs under a letter each, then what sets them apart; nothing is wider than 80 columns."""
    from envkit.cli import render

    console = render.screen()
    letters = ascii_uppercase[: len(comparison.runs)]
    rows = [
        (letter, run.id, run.status, run.created.replace("T", " ")[:16])
        for letter, run in zip(letters, comparison.runs, strict=True)
    ]
    render.print_table(("", "RUN", "STATUS", "STARTED"), rows, console=console)
    for title, differences, text in (
        ("OPTIONS THAT DIFFER", comparison.options, _option_text),
        ("DATA THAT DIFFER", comparison.data, _hash_text),
        ("VERSIONS THAT DIFFER", comparison.versions, _option_text),
    ):
        if differences:
            console.print()
            table = _different(differences, text, letters)
            render.print_table((title, *letters), table, console=console)
    if not comparison.options and not comparison.data:
        console.print()
        console.print("Options and data are the same.")
    for warning in comparison.warnings:
        console.print()
        # Paths and hashes stay whole.
        for line in textwrap.wrap(
            f"warning: {warning}", _WIDTH, break_long_words=False, break_on_hyphens=False
        ):
            console.print(line)
    _print_scores(comparison, letters)
    if comparison.figures:
        console.print()
        figures = [(figure.name, *_figure_texts(figure)) for figure in comparison.figures]
        render.print_table(("FIGURES", *letters), figures, console=console)


def _print_scores(comparison: Comparison, letters: str) -> None:
    """Print the headline scores with their intervals, a line a run, then all others as a table."""
    from envkit.cli import render

    console = render.screen()
    heads = [score for score in comparison.scores if score.is_headline]
    others = [score for score in comparison.scores if not score.is_headline]
    if heads:
        rows = [row for score in heads for row in _headline_rows(score, letters)]
        console.print()
        render.print_table(("SCORES", "", "", "95 % BETWEEN", f"VS {letters[0]}"), rows, console=console)
    if others:
        only = len(letters) == 2
        rows = [
            (
                score.metric,
                *map(_score_text, score.values),
                *([_signed(score.differences[1])] if only else []),
            )
            for score in others
        ]
        console.print()
        render.print_table(
            ("OTHER SCORES", *letters, *([f"VS {letters[0]}"] if only else [])), rows, console=console
        )


def _headline_rows(score: ComparedScore, letters: str) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = []
    for number, letter in enumerate(letters):
        bounds = score.intervals[number]
        rows.append(
            (
                score.metric if number == 0 else "",
                letter,
                _score_text(score.values[number]),
                f"{bounds[0]:.4f} and {bounds[1]:.4f}" if bounds is not None else "",
                _signed(score.differences[number]) if number else "",
            )
        )
    return rows


def _different(
    differences: Sequence[Difference], text: Callable[[Any], str], letters: str
) -> list[tuple[str, ...]]:
    """Return the rows of a table; values share what the names leave of the width."""
    names = [difference.name.replace("_", "-") for difference in differences]
    longest = max(map(len, names), default=0)
    room = max(8, (_WIDTH - max(longest, 20) - 2 * len(letters)) // len(letters))
    return [
        (name, *(_cut(text(value), room) for value in difference.values))
        for name, difference in zip(names, differences, strict=True)
    ]


def _option_text(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return _NONE if value is None else str(value)


def _hash_text(value: Any) -> str:
    return _NONE if value is None else str(value)[:_HASH_LENGTH]


def _score_text(value: float | None) -> str:
    if value is None:
        return _NONE
    # A count is whole and mostly above 1; a fraction of exactly 1 keeps its digits.
    return f"{value:.0f}" if value.is_integer() and abs(value) > 1 else f"{value:.4f}"


def _signed(difference: float | None) -> str:
    if not difference:
        return "" if difference is None else "same"
    return f"{difference:+.0f}" if difference.is_integer() and abs(difference) > 1 else f"{difference:+.4f}"


def _figure_texts(figure: Figure) -> list[str]:
    return [_NONE if value is None else _figure_text(value, figure.unit) for value in figure.values]


def _figure_text(value: float, unit: str) -> str:
    from envkit.cli.render import seconds_text, size_text

    if unit == "bytes":
        return size_text(value)
    if unit == "s":
        return seconds_text(value)
    return f"{value:.0f} {unit}" if unit == "tokens/s" else f"{value:.0f}"


def _cut(text: str, room: int) -> str:
    """Return the text, or of a long one its end, which tells one path from another."""
    return text if len(text) <= room else "…" + text[1 - room :]
