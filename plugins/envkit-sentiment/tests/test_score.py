from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

pytestmark = pytest.mark.torch  # NumPy comes with it

VALUES = (1.0, 2.0, 3.0, 4.0, 5.0)


def make_score(gold: list[int], predicted: list[int], *, is_ordinal: bool = True) -> Any:
    import numpy as np

    from envkit_sentiment.score import Score

    return Score(
        gold=np.array(gold, dtype=np.int64),
        predicted=np.array(predicted, dtype=np.int64),
        levels=[f"{value:g}" for value in VALUES],
        values=VALUES,
        is_ordinal=is_ordinal,
    )


PAIRS = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=2, max_size=40)


@given(PAIRS)
def test_metrics_are_those_of_scikit_learn(pairs: list[tuple[int, int]]) -> None:
    from sklearn import metrics

    gold, predicted = map(list, zip(*pairs, strict=True))
    found = make_score(gold, predicted).metrics("dev")
    assert found["dev/support"] == len(gold)
    assert found["dev/accuracy"] == pytest.approx(metrics.accuracy_score(gold, predicted))
    assert found["dev/macro_f1"] == pytest.approx(
        metrics.f1_score(gold, predicted, average="macro", zero_division=0)
    )
    assert found["dev/mae"] == pytest.approx(metrics.mean_absolute_error(gold, predicted))
    if len(set(gold + predicted)) > 1:
        kappa = metrics.cohen_kappa_score(gold, predicted, weights="quadratic", labels=range(5))
        assert found["dev/qwk"] == pytest.approx(kappa)


@given(PAIRS)
def test_metrics_of_gold_against_gold_are_perfect(pairs: list[tuple[int, int]]) -> None:
    gold = [right for right, _ in pairs]
    found = make_score(gold, gold).metrics("test")
    assert {found[f"test/{name}"] for name in ("accuracy", "macro_f1", "qwk")} == {1.0}
    assert found["test/mae"] == 0.0


def test_metrics_of_polarities_have_no_distance() -> None:
    assert set(make_score([0, 1], [0, 0], is_ordinal=False).metrics("dev")) == {
        "dev/accuracy",
        "dev/macro_f1",
        "dev/support",
    }


def test_metrics_of_steps_of_unequal_width_weigh_the_true_distance() -> None:
    import numpy as np

    from envkit_sentiment.score import Score

    found = Score(np.array([0, 1, 2]), np.array([0, 2, 2]), ["1", "2", "5"], [1, 2, 5], True).metrics("dev")
    assert found["dev/mae"] == pytest.approx(1.0)
    # Costs 0, 9, 0 were found; by chance 1/3 x (0 + 16 + 16 + 1 + 9 + 9 + 16) over gold 1, 2, 5 and found 1, 5, 5.
    assert found["dev/qwk"] == pytest.approx(1 - 9 / ((0 + 2 * 16 + 1 + 2 * 9 + 16 + 0) / 3))


def test_intervals_hold_the_score_and_tables_count_every_text() -> None:
    gold, predicted = [0, 1, 2, 3, 4] * 20, [0, 1, 2, 4, 4] * 20
    score = make_score(gold, predicted)
    for name, (low, high) in score.intervals("dev").items():
        assert low <= score.metrics("dev")[name] <= high
    scores, confusion, whole = score.tables("dev")
    assert scores.rows[3] == ("4", 0.0, 0.0, 0.0, 20)
    assert confusion.kind == "confusion"
    assert whole.rows[0][whole.columns.index("accuracy")] == 0.8
    assert confusion.rows[3] == ("4", 0, 0, 0, 0, 20)


def test_intervals_of_what_is_always_undefined_are_left_out() -> None:
    assert "dev/qwk" not in make_score([1, 1], [1, 1]).intervals("dev")


def test_metrics_are_those_that_the_options_know() -> None:
    from envkit_sentiment.plugin import SentimentOptions

    found = make_score([0, 4], [0, 1]).metrics("dev")
    assert set(found) == {f"dev/{name}" for name in SentimentOptions.dev_metrics}
