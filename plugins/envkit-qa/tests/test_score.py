from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envkit_qa.plugin import QaOptions
from envkit_qa.score import (
    KINDS,
    AnswerScore,
    Rules,
    choose_null_threshold,
    normalize,
    score,
    score_answer,
)

WORDS = [
    "the",
    "a",
    "an",
    "Norman",
    "Normans",
    "in",
    "France",
    "10th",
    "U.S.",
    "U.S",
    "co-op",
    "--",
    "!",
    "é",
    "THE",
]


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("The Normans", "normans"),
        ("  in\tthe   10th century. ", "in 10th century"),
        ("U.S.", "us"),
        ("co-op", "coop"),
        ("another theatre", "another theatre"),
        ("the-a-an", "theaan"),  # punctuation goes first, so that no article is left
        ("“France”", "“france”"),  # only ASCII's punctuation counts
        ("A", ""),
        ("?!", ""),
        ("", ""),
    ],
)
def test_normalize_as_the_official_scorers_do(text: str, normal: str) -> None:
    assert normalize(text) == normal


# By hand, from the sources of the official scorers: exact match and F1 by the rules of v1.1 and of v2.0.
CASES: list[tuple[str, list[str], tuple[float, float], tuple[float, float]]] = [
    ("France", ["France"], (1, 1), (1, 1)),
    ("the France!", ["france"], (1, 1), (1, 1)),
    ("in France", ["France"], (0, 2 / 3), (0, 2 / 3)),
    ("France France", ["France"], (0, 2 / 3), (0, 2 / 3)),
    ("France", ["Spain", "in northern France", "north of France today"], (0, 0.5), (0, 0.5)),
    ("Spain", ["France", "Spain"], (1, 1), (1, 1)),
    ("Rome", ["France"], (0, 0), (0, 0)),
    ("", ["France"], (0, 0), (0, 0)),
    ("the", ["France"], (0, 0), (0, 0)),
    ("", [], (0, 0), (1, 1)),
    ("the", [], (0, 0), (1, 1)),
    ("France", [], (0, 0), (0, 0)),
    # A right answer without words: v1.1 finds it equal but shares no word; v2.0 takes it for none.
    ("a", ["The"], (1, 0), (1, 1)),
    ("", ["The"], (1, 0), (1, 1)),
    ("France", ["The"], (0, 0), (0, 0)),
    ("", ["The", "France"], (1, 0), (0, 0)),
    ("France", ["The", "France"], (1, 1), (1, 1)),
]


@pytest.mark.parametrize(("answer", "gold", "first", "second"), CASES)
def test_score_answer_by_hand(
    answer: str, gold: list[str], first: tuple[float, float], second: tuple[float, float]
) -> None:
    for rules, expected in (("1.1", first), ("2.0", second)):
        exact, f1, has_answer = score_answer(answer, gold, rules=rules)  # type: ignore[arg-type]
        assert (exact, f1) == pytest.approx(expected)
        assert has_answer is bool(gold)


@given(st.lists(st.sampled_from(WORDS), max_size=4), st.lists(st.sampled_from(WORDS), max_size=4))
def test_score_answer_is_fair(answer: list[str], gold: list[str]) -> None:
    rules: Rules
    for rules in ("1.1", "2.0"):
        exact, f1, _ = score_answer(" ".join(answer), [" ".join(gold)], rules=rules)
        assert 0 <= f1 <= 1
        assert exact in (0, 1)
        if exact and normalize(" ".join(gold)):
            assert f1 == 1
        assert (exact, f1) == score_answer(" ".join(gold), [" ".join(answer)], rules=rules)[:2]


def test_score_of_both_kinds_of_questions_gives_all_metrics() -> None:
    scored = score(
        ["France", "in France", "Rome", "", "", "Bo"],
        [["France"], ["France"], ["France"], ["France"], [], []],
        rules="2.0",
    )
    assert scored.metrics("dev") == pytest.approx(
        {
            "dev/f1": (1 + 2 / 3 + 1) / 6,
            "dev/exact_match": 2 / 6,
            "dev/has_answer_f1": (1 + 2 / 3) / 4,
            "dev/no_answer_accuracy": 1 / 2,
            "dev/support": 6,
        }
    )
    assert scored.kinds == (KINDS[0], KINDS[1], KINDS[2], KINDS[3], KINDS[0], KINDS[4])
    scores, errors = scored.tables("dev")
    assert [row[0] for row in scores.rows] == ["has an answer", "has none", "all"]
    assert errors.kind == "errors"
    assert [row[1] for row in errors.rows] == [2, 1, 1, 1, 1]


def test_score_by_the_rules_of_the_first_version_has_no_metrics_of_no_answer() -> None:
    scored = score(["France"], [["France"]], rules="1.1")
    assert scored.metrics("test") == {"test/f1": 1, "test/exact_match": 1, "test/support": 1}
    assert [row[0] for row in scored.tables("test")[1].rows] == list(KINDS[:3])


def test_score_of_nothing_is_zero_and_of_unequal_lists_refused() -> None:
    assert score([], [], rules="2.0").metrics("dev") == {"dev/f1": 0, "dev/exact_match": 0, "dev/support": 0}
    with pytest.raises(ValueError, match="zip"):
        score(["a"], [], rules="2.0")


@given(st.lists(st.tuples(st.lists(st.sampled_from(WORDS), max_size=3), st.booleans()), max_size=20))
def test_score_kinds_add_up(rows: list[tuple[list[str], bool]]) -> None:
    scored = score(
        [" ".join(words) for words, _ in rows],
        [["Norman France"] if has_answer else [] for _, has_answer in rows],
        rules="2.0",
    )
    assert sum(row[1] for row in scored.tables("dev")[1].rows) == len(rows)  # type: ignore[misc]


def total_at(threshold: float, differences: list[float], scores: list[AnswerScore]) -> float:
    return sum(
        one.f1 if difference <= threshold else float(not one.has_answer)
        for difference, one in zip(differences, scores, strict=True)
    )


@given(
    st.lists(
        st.tuples(st.integers(-5, 5), st.sampled_from([0, 0.5, 1]), st.booleans()), min_size=1, max_size=12
    )
)
def test_choose_null_threshold_is_as_good_as_any(rows: list[tuple[int, float, bool]]) -> None:
    differences = [float(difference) for difference, _, _ in rows]
    # Of an impossible question, the text scores only where it has no words.
    scores = [
        AnswerScore(0.0, f1 if has_answer else float(f1 == 1), has_answer) for _, f1, has_answer in rows
    ]
    found = total_at(choose_null_threshold(differences, scores), differences, scores)
    every = [bound / 2 for bound in range(-13, 14)]
    assert found == max(total_at(bound, differences, scores) for bound in every)


@pytest.mark.parametrize(
    ("rows", "threshold"),
    [
        ([(1.0, True), (3.0, True)], 4.0),  # always answered
        ([(1.0, False), (3.0, False)], 0.0),  # never
        ([(1.0, True), (3.0, False)], 2.0),
        ([(1.0, True), (1.0, False)], 0.0),  # equal: nothing is won by answering both
    ],
)
def test_choose_null_threshold_lies_between_the_differences(
    rows: list[tuple[float, bool]], threshold: float
) -> None:
    scores = [AnswerScore(float(has_answer), float(has_answer), has_answer) for _, has_answer in rows]
    assert choose_null_threshold([difference for difference, _ in rows], scores) == threshold


def test_choose_null_threshold_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="no questions"):
        choose_null_threshold([], [])


@pytest.mark.torch
def test_score_agrees_with_torchmetrics_on_ten_thousand_random_predictions() -> None:
    from torchmetrics.functional.text import squad

    draw = random.Random(0)

    def text(*, least: int) -> str:
        return " ".join(draw.choice(WORDS) for _ in range(draw.randrange(least, 6)))

    differences = 0
    for _ in range(10_000):
        gold = [text(least=1) for _ in range(draw.randrange(1, 4))]
        # Of a right answer without words the scorers think otherwise: the cases by hand have it.
        gold = [answer if normalize(answer) else f"{answer} France" for answer in gold]
        answer = draw.choice((text(least=0), draw.choice(gold)))
        answers = {"text": gold, "answer_start": [0] * len(gold)}
        expected = squad([{"prediction_text": answer, "id": "1"}], [{"answers": answers, "id": "1"}])
        rules: Rules
        for rules in ("1.1", "2.0"):
            exact, f1, _ = score_answer(answer, gold, rules=rules)
            differences += round(100 * exact, 4) != round(float(expected["exact_match"]), 4)
            differences += abs(100 * f1 - float(expected["f1"])) > 1e-4
    assert differences == 0


def test_metrics_are_those_that_the_options_know() -> None:
    found = score(["France", ""], [["France"], []], rules="2.0").metrics("dev")
    assert set(found) == {f"dev/{name}" for name in QaOptions.dev_metrics}
