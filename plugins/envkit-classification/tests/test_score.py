from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytestmark = pytest.mark.torch

LABELS = ("a", "b", "c", "d")
ONE = st.lists(st.tuples(st.sampled_from(LABELS[:3]), st.sampled_from(LABELS)), min_size=1, max_size=30)
SOME = st.lists(st.sampled_from(LABELS), unique=True, max_size=4)


def make(rows: list[tuple[Any, Any]], *, several: bool = False) -> Any:
    from envkit_classification.score import Score, indicators

    gold, chosen = (indicators([list(row[side]) for row in rows], LABELS) for side in (0, 1))
    return Score(LABELS, gold, chosen, (0.5,) * 4 if several else None)


@settings(max_examples=30)
@given(ONE)
def test_scores_of_one_label_a_text_are_scikit_learns(rows: list[tuple[str, str]]) -> None:
    from sklearn.metrics import accuracy_score, f1_score, matthews_corrcoef

    gold, chosen = zip(*rows, strict=True)
    found = make(rows).metrics("dev")
    assert found["dev/accuracy"] == pytest.approx(accuracy_score(gold, chosen))
    assert found["dev/macro_f1"] == pytest.approx(f1_score(gold, chosen, average="macro", zero_division=0))
    assert found["dev/micro_f1"] == pytest.approx(f1_score(gold, chosen, average="micro", zero_division=0))
    is_defined = len({*gold}) > 1 and len({*chosen}) > 1
    matthews = matthews_corrcoef(gold, chosen) if is_defined else 0.0
    assert found["dev/matthews"] == pytest.approx(matthews)
    assert found["dev/support"] == len(rows)


@settings(max_examples=30)
@given(st.lists(st.tuples(SOME, SOME), min_size=1, max_size=20))
def test_scores_of_several_labels_count_each(rows: list[tuple[list[str], list[str]]]) -> None:
    found = make(rows, several=True).metrics("dev")
    right = sum(len({*gold} & {*chosen}) for gold, chosen in rows)
    both = sum(len(gold) + len(chosen) for gold, chosen in rows)
    assert found["dev/micro_f1"] == pytest.approx(2 * right / both if both else 0.0)
    assert found["dev/accuracy"] == pytest.approx(sum({*g} == {*c} for g, c in rows) / len(rows))
    assert 0 <= found["dev/macro_f1"] <= 1
    assert -1 <= found["dev/matthews"] <= 1


def test_gold_against_itself_is_perfect() -> None:
    for rows, several in (
        ([("a", "a"), ("b", "b")], False),
        ([(["a", "b"], ["a", "b"]), (["c"], ["c"])], True),
    ):
        found = make(rows, several=several).metrics("dev")
        assert found["dev/accuracy"] == found["dev/macro_f1"] == found["dev/micro_f1"] == 1.0


@settings(max_examples=30)
@given(ONE, st.booleans())
def test_statistics_of_the_intervals_are_the_metrics(rows: list[tuple[str, str]], several: bool) -> None:
    import numpy as np

    from envkit_classification.score import STATISTICS

    score = make(rows, several=several)
    sums = score.counts().sum(0)[None]
    for name, statistic in STATISTICS.items():
        assert np.asarray(statistic(sums))[0] == pytest.approx(score.metrics("dev")[f"dev/{name}"], abs=1e-6)


def test_intervals_lie_around_the_scores() -> None:
    rows = [("a", "a")] * 40 + [("b", "b")] * 30 + [("b", "a")] * 10 + [("c", "a")] * 5
    score = make(rows)
    metrics = score.metrics("test")
    for name, (low, high) in score.intervals("test").items():
        assert low < metrics[name] < high
    assert set(score.intervals("test")) == {"test/accuracy", "test/macro_f1", "test/micro_f1"}


def test_tables_say_which_label_is_taken_for_which() -> None:
    by_label, confusion = make([("a", "a"), ("a", "b"), ("b", "b"), ("c", "b")]).tables("dev")
    assert by_label.rows[0] == ("a", 1.0, 0.5, pytest.approx(2 / 3), 2)
    assert by_label.rows[-1][0] == "mean" and by_label.rows[-1][-1] == 4
    assert by_label.rows[-1][2] == pytest.approx(0.5)  # d is neither there nor chosen
    assert confusion.kind == "confusion"
    assert confusion.columns == ("gold", *LABELS)
    assert confusion.rows[:3] == [("a", 1, 1, 0, 0), ("b", 0, 1, 0, 0), ("c", 0, 1, 0, 0)]


def test_scores_of_one_label_that_texts_have_or_not_count_that_label() -> None:
    from envkit_classification.score import Score, indicators

    gold, chosen = (indicators(side, ["a"]) for side in ([["a"], ["a"], [], []], [["a"], [], ["a"], []]))
    score = Score(("a",), gold, chosen, (0.5,))
    assert score.metrics("dev")["dev/micro_f1"] == score.metrics("dev")["dev/macro_f1"] == 0.5
    assert score.tables("dev")[0].rows[0] == ("a", 0.5, 0.5, 0.5, 2, 0.5)


def test_table_of_several_labels_has_their_thresholds_and_no_confusion() -> None:
    (by_label,) = make([(["a"], ["a", "b"])], several=True).tables("dev")
    assert by_label.columns[-1] == "threshold"
    assert by_label.rows[0][-1] == 0.5
