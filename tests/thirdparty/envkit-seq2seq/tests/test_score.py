from __future__ import annotations

import pytest

from envkit_seq2seq.score import Score, count_changes


def test_score_of_gold_against_itself_is_perfect() -> None:
    found = Score(["a", "bc"], ["a", "bc"]).metrics("dev")
    assert found == {"dev/exact_match": 1.0, "dev/character_error": 0.0, "dev/support": 2}


def test_score_is_what_can_be_counted_by_hand() -> None:
    score = Score(["abcd", "ab", "abcd"], ["abcd", "abb", "xbc"])
    found = score.metrics("dev")
    assert found["dev/exact_match"] == pytest.approx(1 / 3)
    assert found["dev/character_error"] == pytest.approx(3 / 10)
    assert score.table("dev").rows == [("right", 1), ("too short", 1), ("too long", 1), ("other letters", 0)]


@pytest.mark.parametrize(
    ("one", "other", "changes"),
    [("", "", 0), ("", "ab", 2), ("ab", "", 2), ("kitten", "sitting", 3), ("ab", "ba", 2), ("ab", "ab", 0)],
)
def test_changes_are_as_few_as_they_can_be(one: str, other: str, changes: int) -> None:
    assert count_changes(one, other) == count_changes(other, one) == changes
