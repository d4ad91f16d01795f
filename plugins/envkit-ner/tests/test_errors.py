from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envkit.data.tag_schemes import Span, find_spans
from envkit_ner.errors import KINDS, count_errors, judge
from envkit_ner.score import score

TAGS = st.sampled_from(["O", "O", "B-X", "I-X", "B-Y", "I-Y"])
PAIRS = st.lists(st.lists(st.tuples(TAGS, TAGS), min_size=1, max_size=10), min_size=1, max_size=5)


@pytest.mark.parametrize(
    ("gold", "predicted", "kinds"),
    [
        ("O O", "O O", ""),
        ("B-X I-X O", "B-X I-X O", "right"),
        ("B-X I-X O", "B-X O O", "boundary"),
        ("B-X I-X O", "B-X I-X I-X", "boundary"),
        ("B-X I-X O", "B-Y I-Y O", "type"),
        ("B-X I-X O", "B-Y O O", "both"),
        ("B-X O O", "O O O", "missed"),
        ("O O O", "O B-X O", "spurious"),
        ("B-X O O", "O O B-X", "missed spurious"),
        # One that covers two pairs with the one it shares most of, and the other is missed.
        ("B-X B-X I-X O", "B-X I-X I-X O", "boundary missed"),
        ("B-X I-X I-X O", "B-X B-X I-X O", "boundary spurious"),
        # The right type goes before the larger share.
        ("B-Y I-Y B-X O", "B-X I-X I-X O", "boundary missed"),
        ("B-X B-Y", "B-Y I-Y", "boundary missed"),
        ("B-X O B-Y", "B-X O B-X", "right type"),
        ("B-X I-X O", "I-X I-X O", "missed"),  # tags that are no entity in IOB2
    ],
)
def test_judge_of_known_cases_names_their_kinds(gold: str, predicted: str, kinds: str) -> None:
    judged = judge(find_spans(gold.split()), find_spans(predicted.split()))
    assert sorted(kind for kind, _ in judged) == sorted(kinds.split())


def test_judge_counts_for_the_type_that_is_there_and_what_is_spurious_for_its_own() -> None:
    gold, predicted = [Span(0, 1, "X"), Span(4, 5, "X")], [Span(0, 1, "Y"), Span(2, 3, "Z")]
    assert judge(gold, predicted) == [("type", "X"), ("missed", "X"), ("spurious", "Z")]


@given(PAIRS)
def test_count_errors_and_right_ones_add_up_to_what_is_there_and_what_was_found(
    pairs: list[list[tuple[str, str]]],
) -> None:
    gold = [[one for one, _ in sentence] for sentence in pairs]
    predicted = [[other for _, other in sentence] for sentence in pairs]
    table = count_errors(gold, predicted).table("dev")
    *by_type, total = table.rows
    counts = dict(zip(KINDS, map(int, total[1:]), strict=True))
    there = [span for tags in gold for span in find_spans(tags)]
    found = [span for tags in predicted for span in find_spans(tags)]
    assert sum(counts.values()) - counts["spurious"] == len(there)
    assert sum(counts.values()) - counts["missed"] == len(found)
    for name, *of_type in by_type:
        assert sum(of_type) - of_type[-1] == sum(span.type == name for span in there)
    assert [sum(column) for column in zip(*(row[1:] for row in by_type), strict=True)] == [
        *(total[1:] if by_type else ())
    ]


@given(PAIRS)
def test_count_errors_right_ones_are_those_of_the_score(pairs: list[list[tuple[str, str]]]) -> None:
    gold = [[one for one, _ in sentence] for sentence in pairs]
    predicted = [[other for _, other in sentence] for sentence in pairs]
    by_type = score(gold, predicted).strict
    right = {name: counts["right"] for name, counts in count_errors(gold, predicted).counts.items()}
    assert {name: right.get(name, 0) for name in by_type} == {
        name: counts.right for name, counts in by_type.items()
    }


def test_count_errors_table_is_of_errors_and_names_the_split() -> None:
    table = count_errors([["B-X", "O", "B-Y"]], [["B-X", "B-Y", "O"]]).table("test")
    assert (table.kind, table.title) == ("errors", "test: entities right and wrong")
    assert list(table.rows) == [
        ("X", 1, 0, 0, 0, 0, 0),
        ("Y", 0, 0, 0, 0, 1, 1),
        ("all", 1, 0, 0, 0, 1, 1),
    ]
    assert all(len(row) == len(table.columns) for row in table.rows)


def test_count_errors_of_unequal_numbers_is_refused() -> None:
    with pytest.raises(ValueError, match="zip"):
        count_errors([["O"]], [])
