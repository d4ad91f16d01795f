from __future__ import annotations

from itertools import combinations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from envkit.api import Corpus, CorpusRow, Problem
from envkit.data.check import check_corpus
from envkit.data.check.baseline import score_baseline


def rows(split: str, *labels: tuple[str, ...]) -> list[CorpusRow]:
    return [CorpusRow(f"{split}:{n}", (f"{split} {n}",), each) for n, each in enumerate(labels, 1)]


def test_check_corpus_puts_errors_before_warnings_before_notes() -> None:
    told = [
        Problem(level="note", message="n"),
        Problem(level="warning", message="w"),
        Problem(level="error", message="e"),
    ]
    corpus = Corpus(splits={"train": rows("train", ("a",), ("b",))}, problems=told)

    levels = [problem.level for problem in check_corpus(corpus, task="t").problems]

    assert levels == sorted(levels, key=["error", "warning", "note"].index)
    assert {"e", "w", "n"} <= {problem.message for problem in check_corpus(corpus, task="t").problems}


def test_check_corpus_with_an_empty_text_warns_of_it() -> None:
    corpus = Corpus(splits={"train": [*rows("train", ("a",), ("b",)), CorpusRow("train:9", (" ",), ("a",))]})

    warning = next(p for p in check_corpus(corpus, task="t").problems if "without any text" in p.message)

    assert (warning.level, warning.place) == ("warning", "train:9")


@pytest.mark.parametrize(
    ("damaged", "name"), [("no\0t bad", "NUL characters"), ("caf\ufffd", "the character U+FFFD")]
)
def test_check_corpus_with_a_damaged_text_warns_of_it(damaged: str, name: str) -> None:
    texts = ["sound", damaged, damaged]
    dev = [CorpusRow(f"dev:{number}", (text,), ("a",)) for number, text in enumerate(texts)]

    problems = check_corpus(
        Corpus(splits={"train": rows("train", ("a",), ("b",)), "dev": dev}), task="t"
    ).problems

    warning = next(each for each in problems if name in each.message)
    assert (warning.level, warning.message) == ("warning", f"2 rows of dev with {name}")
    assert (warning.place, warning.count) == ("dev:1", 2)


def test_check_corpus_with_an_empty_split_is_an_error() -> None:
    report = check_corpus(Corpus(splits={"train": rows("train", ("a",), ("b",)), "dev": []}), task="t")

    assert report.problems[0].message == "there is no row in dev"
    assert report.splits[1].lengths is None


def test_score_baseline_of_texts_is_the_commonest_label_of_train() -> None:
    corpus = Corpus(
        splits={
            "train": rows("train", ("a",), ("b",), ("b",)),
            "dev": rows("dev", ("b",), ("a",)),
            "test": rows("test", ("b",), ("b",), ("b",), ("a",)),
        }
    )

    baseline = score_baseline(corpus)

    assert baseline is not None
    assert baseline.prediction == "b"
    assert baseline.metrics == {"dev/accuracy": 0.5, "test/accuracy": 0.75}


@given(
    labels=st.lists(
        st.sets(st.sampled_from("abcd"), max_size=3).map(sorted).map(tuple), min_size=1, max_size=9
    )
)
def test_score_baseline_of_any_number_of_labels_is_the_best_set_for_all(
    labels: list[tuple[str, ...]],
) -> None:
    assume(any(len(each) != 1 for each in labels))

    baseline = score_baseline(Corpus(splits={"train": rows("train", *labels)}))

    def micro_f1(said: set[str]) -> float:
        hits = sum(len(said & set(each)) for each in labels)
        return 2 * hits / max(1, sum(len(said) + len(each) for each in labels))

    assert baseline is not None
    said = set() if baseline.prediction == "no label" else set(baseline.prediction.split(", "))
    every = [set(chosen) for size in range(5) for chosen in combinations("abcd", size)]
    assert baseline.metrics["train/micro_f1"] == pytest.approx(micro_f1(said))
    assert micro_f1(said) == pytest.approx(max(map(micro_f1, every)))
    assert baseline.metrics["train/accuracy"] == pytest.approx(
        sum(set(each) == said for each in labels) / len(labels)
    )


def test_score_baseline_of_tagged_words_is_o_for_all() -> None:
    row = CorpusRow("t:1", ("Ada wrote this down",), ("B-PER", "O", "O", "O"))
    corpus = Corpus(splits={"train": [row], "dev": [row]}, labelled="word")

    baseline = score_baseline(corpus)

    assert baseline is not None
    assert baseline.prediction == "O"
    assert baseline.metrics == {"dev/token_accuracy": 0.75, "dev/entity_f1": 0.0}


def test_score_baseline_of_questions_is_no_answer_where_some_have_none() -> None:
    some = rows("dev", ("answerable",), ("impossible",))
    corpus = Corpus(splits={"train": some, "dev": some}, labelled="question")

    baseline = score_baseline(corpus)

    assert baseline is not None
    assert baseline.metrics == {"dev/f1": 0.5}
    assert score_baseline(Corpus(splits={"train": some[:1]}, labelled="question")) is None
