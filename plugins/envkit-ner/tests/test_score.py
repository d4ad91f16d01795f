"""Scores, against seqeval where it is installed; the table holds what seqeval 1.2.2 gives."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envkit_ner.plugin import NerOptions
from envkit_ner.score import METRICS, score

TAGS = ("O", "O", "B-X", "I-X", "B-Y", "I-Y", "B-Y-z", "I-Y-z")
PAIRS = st.lists(
    st.lists(st.tuples(st.sampled_from(TAGS), st.sampled_from(TAGS)), min_size=1, max_size=8),
    min_size=1,
    max_size=6,
)


@pytest.mark.parametrize(
    ("gold", "predicted", "strict", "lenient", "accuracy"),
    [
        ("B-X I-X O", "B-X I-X O", 1, 1, 1),
        ("B-X I-X O", "B-X O O", 0, 0, 2 / 3),
        ("B-X I-X O", "I-X I-X O", 0, 1, 2 / 3),
        ("B-X O B-Y", "B-X O I-Y", 2 / 3, 1, 2 / 3),
        ("B-X B-X O", "B-X I-X O", 0, 0, 2 / 3),
        ("B-X O O", "B-X I-Y O", 1, 2 / 3, 2 / 3),
        ("O O O", "O O O", 0, 0, 1),
        ("O B-X", "B-X O", 0, 0, 0),
        ("B-X I-X / B-X", "B-X I-X / O", 2 / 3, 2 / 3, 2 / 3),
        ("B-X / I-X", "B-X / I-X", 1, 1, 1),
    ],
)
def test_score_of_known_cases_is_what_seqeval_gives(
    gold: str, predicted: str, strict: float, lenient: float, accuracy: float
) -> None:
    metrics = score(
        [part.split() for part in gold.split("/")], [part.split() for part in predicted.split("/")]
    ).metrics("dev")
    assert metrics["dev/entity_f1"] == pytest.approx(strict)
    assert metrics["dev/entity_f1_lenient"] == pytest.approx(lenient)
    assert metrics["dev/token_accuracy"] == pytest.approx(accuracy)


@pytest.mark.torch  # not torch itself: seqeval and what it brings stand where torch does
@given(PAIRS)
def test_score_of_any_tags_is_what_seqeval_gives(pairs: list[list[tuple[str, str]]]) -> None:
    check_against_seqeval(pairs)


def check_against_seqeval(pairs: list[list[tuple[str, str]]]) -> None:
    import warnings

    from seqeval.metrics import accuracy_score, sequence_labeling, v1
    from seqeval.scheme import IOB2

    gold = [[one for one, _ in sentence] for sentence in pairs]
    predicted = [[other for _, other in sentence] for sentence in pairs]
    found = score(gold, predicted)
    metrics = found.metrics("dev")
    strict, by_type, lenient = (0.0, 0.0, 0.0, 0), [], 0.0  # seqeval fails where neither side has an entity
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of types that are on one side only
        if found.strict:
            modes: dict[str, Any] = {"scheme": IOB2, "zero_division": 0}
            strict = v1.precision_recall_fscore_support(gold, predicted, average="micro", **modes)
            by_type = list(zip(*v1.precision_recall_fscore_support(gold, predicted, **modes), strict=True))
        if found.lenient:
            of_all = sequence_labeling.precision_recall_fscore_support(
                gold, predicted, average="micro", zero_division=0
            )
            lenient = of_all[2]
    names = ("entity_precision", "entity_recall", "entity_f1", "support")
    assert [metrics[f"dev/{name}"] for name in names] == pytest.approx(strict)
    assert [
        number
        for counts in found.strict.values()
        for number in (counts.precision, counts.recall, counts.f1, counts.there)
    ] == pytest.approx([number for of_type in by_type for number in of_type])
    assert metrics["dev/entity_f1_lenient"] == pytest.approx(lenient)
    assert metrics["dev/token_accuracy"] == pytest.approx(accuracy_score(gold, predicted))


def test_score_tables_list_types_and_words_with_o_last() -> None:
    found = score([["B-X", "I-X", "O", "B-Y"]], [["B-X", "I-X", "O", "O"]])
    entities, words = found.tables("test")
    assert entities.rows == [("X", 1.0, 1.0, 1.0, 1), ("Y", 0.0, 0.0, 0.0, 1), ("all", 1.0, 0.5, 2 / 3, 2)]
    assert [row[0] for row in words.rows] == ["B-X", "B-Y", "I-X", "O", "all (accuracy)"]
    assert words.rows[3] == ("O", 0.5, 1.0, 2 / 3, 1)
    assert words.rows[4] == ("all (accuracy)", 0.75, 0.75, 0.75, 4)
    assert all(len(row) == len(table.columns) for table in (entities, words) for row in table.rows)


@pytest.mark.parametrize(("gold", "predicted"), [([["O"]], []), ([["O"]], [["O", "O"]])])
def test_score_of_unequal_lengths_is_refused(gold: list[list[str]], predicted: list[list[str]]) -> None:
    with pytest.raises(ValueError, match="zip"):
        score(gold, predicted)


def test_score_sentences_are_their_shares_of_the_totals() -> None:
    gold = [["B-X", "I-X", "O", "B-Y"], ["O"], ["B-Y", "B-Y"]]
    predicted = [["B-X", "I-X", "O", "O"], ["B-X"], ["B-Y", "I-Y"]]
    assert score(gold, predicted).sentences == ((1, 1, 2, 3, 4), (0, 1, 0, 0, 1), (0, 1, 2, 1, 2))


@pytest.mark.torch  # numpy stands where torch does
@given(PAIRS)
def test_metrics_of_the_summed_sentences_are_those_of_the_score(pairs: list[list[tuple[str, str]]]) -> None:
    import numpy as np

    gold = [[one for one, _ in sentence] for sentence in pairs]
    predicted = [[other for _, other in sentence] for sentence in pairs]
    found = score(gold, predicted)
    counts = np.array(found.sentences)
    metrics = found.metrics("dev")
    both = np.stack([counts.sum(axis=0), 3 * counts.sum(axis=0)])  # as samples of a bootstrap
    for name, compute in METRICS.items():
        assert compute(counts.sum(axis=0)) == pytest.approx(metrics[f"dev/{name}"])
        assert compute(both) == pytest.approx([metrics[f"dev/{name}"]] * 2)


def test_metrics_are_those_that_the_options_know() -> None:
    assert set(score([], []).metrics("dev")) == {f"dev/{name}" for name in NerOptions.dev_metrics}
