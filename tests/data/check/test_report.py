from __future__ import annotations

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
