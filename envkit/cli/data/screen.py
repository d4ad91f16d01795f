"""What a look over the data has found, on the screen: what is wrong first, then what is there."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import TYPE_CHECKING

from rich.text import Text

from envkit.cli import render

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from rich.console import Console

    from envkit.api.records import DataReport, LengthRecord, ProblemRecord

WIDTH = 80
_MOST_LABELS = 20
_NOT_SHOWN = "-"


def print_data_report(report: DataReport, *, by_order: Collection[str] = ()) -> None:
    """Print the report in 80 columns; ``by_order`` are splits whose file was told by the order of the files."""
    console = render.screen()
    for problem in report.problems:
        if problem.level != "note":
            _print_problem(problem, console)
    serious = sum(problem.level != "note" for problem in report.problems)
    console.print(Text("" if serious else "Nothing is wrong that can be seen from the data alone."))
    if not serious:
        console.print()
    _print_splits(report, console)
    _print_labels(report, console)
    console.print()
    for split, file in report.files.items():
        _print_figure(split, _file_text(split, file, is_by_order=split in by_order), console)
    for name, value in _figures(report):
        _print_figure(name, value, console)
    notes = [
        f"{problem.message}. {problem.hint}".rstrip(". ")
        for problem in report.problems
        if problem.level == "note"
    ]
    for note in (*notes, *report.notes):
        _print_figure("note", note, console)
    for text in report.left_out:
        _print_figure("left out", text, console)


def _print_problem(problem: ProblemRecord, console: Console) -> None:
    head = f"{problem.level}: "
    place = f" ({problem.place})" if problem.place and problem.place not in problem.message else ""
    times = (
        f" [{problem.count} times]" if problem.count > 1 and str(problem.count) not in problem.message else ""
    )
    _print_lines(head, f"{problem.message}{times}{place}", console, style="bold")
    if problem.hint:
        _print_lines("hint: ", problem.hint, console, indent=2)


def _print_splits(report: DataReport, console: Console) -> None:
    is_of_words = report.labelled == "word"
    columns = ["SPLIT", "ROWS", *(["WORDS"] if is_of_words else []), "MEDIAN", "95 %", "LONGEST", "WHICH IS"]
    rows = []
    for split in report.splits:
        items = [str(split.items)] if is_of_words else []
        rows.append([split.split, str(split.rows), *items, *_length_cells(split.lengths)])
    render.print_table(columns, rows, console=console)


def _length_cells(lengths: LengthRecord | None) -> list[str]:
    if lengths is None:
        return [_NOT_SHOWN] * 4
    return [str(lengths.median), str(lengths.usual), str(lengths.longest), lengths.place]


def _print_labels(report: DataReport, console: Console) -> None:
    if len(report.labels) < 2 and report.labelled != "word":
        return
    splits = [split.split for split in report.splits]
    shown = report.labels[:_MOST_LABELS]
    rows = [
        [_cut(label.label, 40), *(str(label.counts.get(split, 0)) for split in splits)] for label in shown
    ]
    console.print()
    render.print_table(["LABEL", *map(str.upper, splits)], rows, console=console)
    rest = len(report.labels) - len(shown)
    if rest:
        console.print(Text(f"and {rest} more: --json has all"))


def _figures(report: DataReport) -> list[tuple[str, str]]:
    figures = []
    units = {split.lengths.unit for split in report.splits if split.lengths is not None}
    if units:
        said = "pieces of words, the special ones included" if "pieces" in units else "words between blanks"
        figures.append(("lengths", f"in {said}: the median, what 95 % of the rows stay below, the longest"))
    if report.baseline is not None:
        scores = _scores(report.baseline.metrics)
        figures.append(("baseline", f"always {report.baseline.prediction!r}: {scores}"))
    pieces = report.pieces
    if pieces is not None:
        padding = (
            f"{pieces.padding_random:.2f} times the work in random order, {pieces.padding_grouped:.2f} "
            f"with like lengths together, as runs do it ({pieces.step} a step)"
        )
        figures.append(("padding", padding))
        figures.append(("window", _window_text(pieces.window, pieces.over_window, pieces.lost)))
        unknown = [f"{100 * share:.2f} % of {split}" for split, share in pieces.unknown.items() if share]
        said = f"does not know {', '.join(unknown)}" if unknown else "knows every piece"
        figures.append(("unknown", f"{pieces.model.rpartition('/')[2]} {said}"))
    if report.training is not None:
        training = report.training
        least, most = render.seconds_text(training.least), render.seconds_text(training.most)
        rough = "very roughly " if training.is_rough else ""
        duration = (
            f"{rough}{least} to {most} for {training.epochs} epoch{'s'[: training.epochs != 1]} on this "
            f"machine ({training.tokens_per_second:.0f} tokens a second by {training.source})"
        )
        figures.append(("training", duration))
    return figures


def _file_text(split: str, file: str, *, is_by_order: bool) -> str:
    shown = render.path_text(Path(file))
    others = [f"--{each}" for each in ("train", "dev", "test") if each != split]
    return f"{shown} (by its order; else say {' or '.join(others)})" if is_by_order else shown


def _window_text(window: int, over: Mapping[str, int], lost: Mapping[str, float]) -> str:
    beyond = [f"{count} rows of {split}" for split, count in over.items() if count]
    if not beyond:
        return f"every row fits into the {window} pieces that the model reads at once"
    what = "what is beyond is lost" if any(lost.values()) else "they are read in several windows"
    return f"longer than the {window} pieces that the model reads at once: {', '.join(beyond)}; {what}"


def _scores(metrics: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {value:.4f}" for name, value in metrics.items())


def _print_figure(name: str, value: str, console: Console) -> None:
    _print_lines(f"{name:<10}", value, console, style="bold")


def _print_lines(head: str, text: str, console: Console, *, style: str = "", indent: int = 0) -> None:
    """Print a head and a text that wraps at words, its further lines under its first."""
    lines = _wrapped(text, WIDTH - len(head) - indent)
    for number, line in enumerate(lines):
        opening = Text(" " * indent)
        opening.append(head if number == 0 else " " * len(head), style=style)
        opening.append(line)
        console.print(opening)


def _wrapped(text: str, width: int) -> Sequence[str]:
    # A path or a command stays whole: it is to be copied.
    return textwrap.wrap(text, width, break_long_words=False, break_on_hyphens=False) or [""]


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"
