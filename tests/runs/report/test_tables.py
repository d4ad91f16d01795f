"""Tables and maps as the page shows them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from envkit.api.records import EvaluationRecord, TableRecord
from envkit.runs.report.tables import show_confusion, show_evaluations, show_table

if TYPE_CHECKING:
    from random import Random


def confusion(labels: list[str], counts: list[list[int]]) -> TableRecord:
    rows: list[list[str | int | float]] = [[label, *row] for label, row in zip(labels, counts, strict=True)]
    return TableRecord(title="dev", columns=["gold", *labels], rows=rows, kind="confusion")


def test_show_table_of_scores_has_bars_for_fractions_and_none_for_counts() -> None:
    view = show_table(TableRecord(title="dev", columns=["label", "F1", "support"], rows=[["a", 0.5, 1200]]))

    assert [(cell.text, cell.bar) for cell in view.rows[0]] == [
        ("a", None),
        ("0.5000", 0.5),
        ("1\N{NARROW NO-BREAK SPACE}200", None),
    ]
    assert [column.is_number for column in view.columns] == [False, True, True]


def test_show_table_of_errors_has_bars_for_counts() -> None:
    table = TableRecord(title="dev", columns=["kind", "n"], rows=[["missed", 4], ["type", 1]], kind="errors")

    assert [row[1].bar for row in show_table(table).rows] == [1.0, 0.25]


def test_show_table_with_very_many_rows_says_how_many_it_leaves_out() -> None:
    view = show_table(TableRecord(title="dev", columns=["label"], rows=[[str(n)] for n in range(500)]))

    assert len(view.rows) + view.left_out == 500
    assert view.left_out > 0


def test_show_table_with_short_or_missing_rows_does_not_fail() -> None:
    show_table(TableRecord(title="dev", columns=["a", "b"], rows=[["x"], []]))
    show_table(TableRecord(title="dev", columns=[], rows=[]))


def test_show_confusion_tints_by_share_of_the_row_and_names_the_worst_pairs() -> None:
    view = show_confusion(confusion(["a", "b"], [[6, 2], [1, 0]]))

    assert view is not None
    first = view.rows[0].cells
    assert [(cell.count, cell.tint, cell.is_right) for cell in first] == [(6, 0.75, True), (2, 0.25, False)]
    assert view.pairs == [("a", "b", "2"), ("b", "a", "1")]
    assert view.rows[0].total == "8"


@settings(max_examples=25)  # big tables
@given(st.integers(1, 40), st.randoms(use_true_random=False))
def test_show_confusion_of_many_labels_loses_no_row_of_the_data(size: int, random: Random) -> None:
    counts = [[random.randrange(10) for _ in range(size)] for _ in range(size)]

    view = show_confusion(confusion([f"label {n}" for n in range(size)], counts))

    assert view is not None
    assert len(view.columns) <= 25
    assert sum(cell.count for row in view.rows for cell in row.cells) == sum(map(sum, counts))
    assert view.folded == max(0, size - 24)


def test_show_confusion_of_what_is_no_count_is_none() -> None:
    table = TableRecord(title="dev", columns=["gold", "a"], rows=[["a", 0.5]], kind="confusion")

    assert show_confusion(table) is None


def test_show_evaluations_of_very_many_keeps_the_last() -> None:
    records = [EvaluationRecord(step=n, values={"dev/f1": 0.5}, epoch=n / 10) for n in range(1, 1001)]

    view = show_evaluations(records)

    assert view is not None
    assert len(view.rows) <= 62
    assert view.rows[-1][0].text == "1\N{NARROW NO-BREAK SPACE}000"
    assert len(view.rows) + view.left_out == 1000


@pytest.mark.parametrize(
    ("columns", "cell", "is_wide"),
    [
        (["type", "precision", "recall", "F1", "support"], 0.5, False),
        (["type", "right", "boundary", "wrong type", "both", "missed", "spurious"], 12, True),
        (["kind", "example"], "a long text that goes to the next line where it has to, and on", False),
        (["kind", "example"], "x" * 70, True),
    ],
)
def test_table_too_wide_for_half_the_page_is_told(
    columns: list[str], cell: str | float, is_wide: bool
) -> None:
    view = show_table(TableRecord(title="t", columns=columns, rows=[["LOC", *[cell] * (len(columns) - 1)]]))

    assert view.is_wide is is_wide


@pytest.mark.parametrize(("count", "is_wide"), [(2, False), (7, True), (20, True)])
def test_map_too_wide_for_half_the_page_is_told(count: int, is_wide: bool) -> None:
    labels = [f"label {number}" for number in range(count)]
    rows: list[list[str | int | float]] = [[label, *[1] * count] for label in labels]

    view = show_confusion(TableRecord(title="t", columns=["", *labels], rows=rows, kind="confusion"))

    assert view is not None
    assert view.is_wide is is_wide
