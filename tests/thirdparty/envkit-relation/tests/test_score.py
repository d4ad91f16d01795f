from __future__ import annotations

import pytest

from envkit_relation.score import Score


def test_score_of_gold_against_itself_is_perfect() -> None:
    found = Score(["a", "none"], ["a", "none"], "none").metrics("dev")
    assert found == {"dev/micro_f1": 1.0, "dev/precision": 1.0, "dev/recall": 1.0, "dev/support": 2}


def test_score_is_what_can_be_counted_by_hand() -> None:
    # Of three relations that are there one is found, one is taken for another, one is missed; one is made up.
    score = Score(["a", "a", "b", "none", "none"], ["a", "b", "none", "b", "none"], "none")
    found = score.metrics("dev")
    assert found["dev/precision"] == pytest.approx(1 / 3)
    assert found["dev/recall"] == pytest.approx(1 / 3)
    assert found["dev/micro_f1"] == pytest.approx(1 / 3)
    assert found["dev/support"] == 5
    assert score.table("dev").rows == [("a", 1, 1, 0), ("b", 0, 0, 1), ("none", 0, 1, 1)]


def test_score_says_nothing_of_pairs_that_are_rightly_left_alone() -> None:
    right = Score(["a", "b"], ["a", "a"], "none").metrics("dev")
    more = Score(["a", "b", *["none"] * 9], ["a", "a", *["none"] * 9], "none").metrics("dev")
    assert {**right, "dev/support": 11} == more


def test_score_of_nothing_found_where_nothing_is_is_perfect() -> None:
    assert Score(["none"], ["none"], "none").metrics("dev")["dev/micro_f1"] == 1.0
