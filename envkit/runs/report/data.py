"""What a look over the data has found, as the page shows it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from envkit.runs.report.excerpts import cut, visible
from envkit.runs.report.numbers import count_text, percent_text
from envkit.runs.report.records import Fact
from envkit.runs.report.tables import Cell, TableView

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from envkit.api.records import DataReport, PieceRecord, ProblemRecord, SplitRecord

_MOST_LABELS = 40
_MOST_PROBLEMS = 20


@dataclass(frozen=True, kw_only=True)
class DataView:
    """The data of a run: how much there is, what is wrong with it, and what a model meets in it.

    ``hidden_problems`` counts those that are not in ``problems``.
    """

    splits: TableView
    labels: TableView | None
    problems: Sequence[ProblemRecord]
    hidden_problems: int
    facts: Sequence[Fact]
    notes: Sequence[str]


def show_data(report: DataReport) -> DataView:
    """Return how the findings are shown."""
    serious = [problem for problem in report.problems if problem.level != "note"]
    told = (problem.message for problem in report.problems if problem.level == "note")
    notes = [*report.notes, *told, *report.left_out]
    return DataView(
        splits=_splits(report),
        labels=_labels(report),
        problems=[_short(problem) for problem in serious[:_MOST_PROBLEMS]],
        hidden_problems=max(0, len(serious) - _MOST_PROBLEMS),
        facts=list(_pieces(report.pieces)),
        notes=[visible(cut(note, 400)) for note in notes[:_MOST_PROBLEMS]],
    )


def _short(problem: ProblemRecord) -> ProblemRecord:
    texts = {name: visible(cut(getattr(problem, name), 400)) for name in ("message", "place", "hint")}
    return msgspec.structs.replace(problem, **texts)


def _splits(report: DataReport) -> TableView:
    items = {"word": "words", "question": "with an answer"}.get(report.labelled)
    unit = next((each.lengths.unit for each in report.splits if each.lengths is not None), None)
    lengths = ["median", "95\N{NO-BREAK SPACE}%", "longest"] if unit else []
    names = ["split", "rows", *([items] if items else []), *lengths]
    return TableView(
        title=f"How much there is, and the length of a row in {unit}" if unit else "How much there is",
        columns=[Cell(text=name, is_number=number > 0) for number, name in enumerate(names)],
        rows=[
            _split_row(split, has_items=items is not None, has_lengths=bool(unit)) for split in report.splits
        ],
    )


def _split_row(split: SplitRecord, *, has_items: bool, has_lengths: bool) -> list[Cell]:
    numbers: list[int | None] = [split.rows, *([split.items] if has_items else [])]
    if has_lengths:
        known = split.lengths
        numbers += [None] * 3 if known is None else [known.median, known.usual, known.longest]
    cells = [Cell(text="" if each is None else count_text(each), is_number=True) for each in numbers]
    return [Cell(text=visible(cut(split.split, 40))), *cells]


def _labels(report: DataReport) -> TableView | None:
    if not report.labels:
        return None
    splits = [each.split for each in report.splits]
    # A bar says what share of its split a label has: splits of different sizes can be compared.
    totals = {split: sum(label.counts.get(split, 0) for label in report.labels) for split in splits}
    rows = [
        [
            Cell(text=visible(cut(label.label, 60))),
            *(
                Cell(
                    text=count_text(label.counts.get(split, 0)),
                    is_number=True,
                    bar=round(label.counts.get(split, 0) / totals[split], 4) if totals[split] else None,
                )
                for split in splits
            ),
        ]
        for label in report.labels[:_MOST_LABELS]
    ]
    title = "Entities by type" if report.labelled == "word" else "Labels"
    return TableView(
        title=title,
        columns=[Cell(text="label"), *(Cell(text=split, is_number=True) for split in splits)],
        rows=rows,
        left_out=max(0, len(report.labels) - _MOST_LABELS),
    )


def _pieces(pieces: PieceRecord | None) -> Iterator[Fact]:
    if pieces is None:
        return
    for name, shares in (
        ("unknown to the tokenizer", pieces.unknown),
        ("lost beyond the window", pieces.lost),
    ):
        told = [f"{split} {percent_text(share)}" for split, share in shares.items() if share]
        if told:
            yield Fact(name=name, value=", ".join(told), note="share of the pieces")
    longer = [f"{split} {count_text(rows)}" for split, rows in pieces.over_window.items() if rows]
    if longer:
        yield Fact(name=f"rows above {pieces.window} pieces", value=", ".join(longer))
    yield Fact(
        name="padding computed in vain",
        value=f"{percent_text(pieces.padding_grouped - 1)}",
        note=f"rows in random order would cost {percent_text(pieces.padding_random - 1)}",
    )
