from __future__ import annotations

import pytest
from required import require_data

from envkit.api import Corpus, CorpusRow
from envkit.data.check import check_corpus
from envkit.data.check.copies import find_copies
from envkit.data.texts import read_texts
from envkit.data.token_rows import read_sentences


def row(name: str, text: str, *labels: str) -> CorpusRow:
    return CorpusRow(name, (text,), labels)


def test_find_copies_counts_rows_of_test_that_train_has_too() -> None:
    corpus = Corpus(
        splits={
            "train": [row("train:1", "one", "a"), row("train:2", "Two  words", "a")],
            "test": [row("test:1", "new", "a"), row("test:2", "two words", "b"), row("test:3", "ONE", "a")],
        }
    )

    (shared,) = find_copies(corpus).shared

    assert (shared.split, shared.other, shared.rows) == ("test", "train", 2)
    assert shared.share == pytest.approx(2 / 3)
    assert (shared.place, shared.twin) == ("test:2", "train:2")


def test_find_copies_of_pairs_are_the_same_only_in_both_texts() -> None:
    one, other = CorpusRow("a", ("q", "c"), ("x",)), CorpusRow("b", ("q", "d"), ("x",))

    assert find_copies(Corpus(splits={"train": [one], "test": [other]})).shared == []


def test_find_copies_with_contradicting_labels_counts_all_rows_of_the_text() -> None:
    train = [row("1", "same", "a"), row("2", "same", "b"), row("3", "same", "a"), row("4", "x", "a")]

    copies = find_copies(Corpus(splits={"train": train}))

    assert (copies.duplicates.rows, copies.duplicates.contradicting) == (2, 3)
    warning = next(problem for problem in copies.problems if problem.level == "warning")
    assert "\"same\" is 'a' in 1 and 'b' in 2" in warning.message


def test_find_copies_of_texts_with_several_labels_knows_no_order_of_these() -> None:
    train = [row("1", "same", "a", "b"), row("2", "same", "b", "a")]

    assert find_copies(Corpus(splits={"train": train})).duplicates.contradicting == 0


def test_find_copies_of_tagged_words_names_the_tags_that_differ() -> None:
    words = ("in", "Paris")
    train = [
        CorpusRow("1", ("in Paris",), ("O", "B-LOC"), words),
        CorpusRow("2", ("in Paris",), ("O", "B-PER"), words),
    ]

    copies = find_copies(Corpus(splits={"train": train}, labelled="word"))

    assert "is 'B-LOC' in 1 and 'B-PER' in 2" in copies.problems[0].message


@pytest.mark.slow
def test_check_corpus_of_conll2003_finds_the_sentences_that_test_shares_with_train() -> None:
    folder = require_data("conll2003")
    splits = {
        split: [
            CorpusRow(f"{split}:{each.line}", (" ".join(each.words),), each.tags, each.words)
            for each in read_sentences(folder / f"{split}.txt").sentences
        ]
        for split in ("train", "test")
    }

    report = check_corpus(Corpus(splits=splits, labelled="word"), task="ner")

    assert round(report.shared[0].share, 3) == 0.038
    assert report.baseline is not None
    assert report.baseline.metrics["test/entity_f1"] == 0


def test_check_corpus_of_trec_finds_the_questions_that_test_shares_with_train() -> None:
    folder = require_data("trec")
    splits = {
        split: [
            CorpusRow(each.name, (each.text,), each.labels)
            for each in read_texts(folder / f"{split}.txt", encoding="latin-1").rows
        ]
        for split in ("train", "test")
    }

    report = check_corpus(Corpus(splits=splits), task="classification")

    assert round(report.shared[0].share, 3) == 0.022
