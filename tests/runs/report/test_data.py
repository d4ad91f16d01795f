"""What a look over the data has found, as the page shows it."""

from __future__ import annotations

from envkit.api.records import (
    DataReport,
    DuplicateRecord,
    LabelRecord,
    LengthRecord,
    PieceRecord,
    ProblemRecord,
    SplitRecord,
)
from envkit.runs.report.data import show_data


def report(**fields: object) -> DataReport:
    lengths = LengthRecord(unit="pieces", total=9000, median=12, usual=30, longest=500, place="train.tsv:3")
    values = {
        "task": "echo",
        "labelled": "text",
        "files": {},
        "splits": [
            SplitRecord(split="train", rows=300, items=300, lengths=lengths),
            SplitRecord(split="dev", rows=0, items=0),
        ],
        "labels": [
            LabelRecord(label="a", counts={"train": 225}),
            LabelRecord(label="b", counts={"train": 75, "dev": 0}),
        ],
        "problems": [],
        "shared": [],
        "duplicates": DuplicateRecord(rows=0, contradicting=0),
        **fields,
    }
    return DataReport(**values)  # type: ignore[arg-type]  # fields of the record, by name


def test_show_data_gives_rows_and_lengths_of_each_split() -> None:
    view = show_data(report())

    assert [[cell.text for cell in row] for row in view.splits.rows] == [
        ["train", "300", "12", "30", "500"],
        ["dev", "0", "", "", ""],
    ]
    assert "pieces" in view.splits.title


def test_show_data_draws_labels_as_shares_of_their_split() -> None:
    view = show_data(report())

    assert view.labels is not None
    assert [[cell.bar for cell in row] for row in view.labels.rows] == [
        [None, 0.75, None],
        [None, 0.25, None],
    ]


def test_show_data_keeps_what_is_wrong_apart_from_what_is_only_said() -> None:
    problems = [
        ProblemRecord(level="error", message="broken"),
        ProblemRecord(level="note", message="by the way"),
    ]

    view = show_data(report(problems=problems, notes=["guessed"], left_out=["no tokenizer here"]))

    assert [problem.message for problem in view.problems] == ["broken"]
    assert view.notes == ["guessed", "by the way", "no tokenizer here"]


def test_show_data_tells_what_the_window_loses_only_where_it_does() -> None:
    pieces = PieceRecord(
        model="m",
        window=512,
        unknown={"train": 0.0},
        over_window={"train": 3, "dev": 0},
        lost={"train": 0.02},
        step="512 tokens",
        padding_random=1.4,
        padding_grouped=1.02,
    )

    facts = {
        fact.name: fact.value.replace("\N{NO-BREAK SPACE}", " ")
        for fact in show_data(report(pieces=pieces)).facts
    }

    assert facts == {
        "lost beyond the window": "train 2.0 %",
        "rows above 512 pieces": "train 3",
        "padding computed in vain": "2.0 %",
    }


def test_show_data_of_no_labels_has_no_table_of_them() -> None:
    assert show_data(report(labels=[])).labels is None
