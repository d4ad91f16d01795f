from __future__ import annotations

import pytest

from envkit.api import Corpus, CorpusRow, Problem
from envkit.data.check import check_corpus
from envkit.data.check.labels import count_labels


def texts(split: str, *labels: str) -> list[CorpusRow]:
    return [CorpusRow(f"{split}:{n}", (f"{split} {n}",), (label,)) for n, label in enumerate(labels, 1)]


def problems(level: str, corpus: Corpus) -> list[str]:
    return [each.message for each in check_corpus(corpus, task="t").problems if each.level == level]


def test_count_labels_of_texts_gives_each_split_commonest_of_train_first() -> None:
    corpus = Corpus(splits={"train": texts("train", "a", "b", "b"), "test": texts("test", "a", "c")})

    assert [(each.label, each.counts) for each in count_labels(corpus)] == [
        ("b", {"train": 2, "test": 0}),
        ("a", {"train": 1, "test": 1}),
        ("c", {"train": 0, "test": 1}),
    ]


def test_count_labels_of_entity_tags_counts_entities_by_type() -> None:
    row = CorpusRow("t:1", ("Ada Byron in Rome",), ("B-PER", "I-PER", "O", "B-LOC"))

    found = count_labels(Corpus(splits={"train": [row]}, labelled="word"))

    assert [(each.label, each.counts["train"]) for each in found] == [("LOC", 1), ("PER", 1)]


def test_count_labels_of_other_words_counts_words() -> None:
    row = CorpusRow("t:1", ("Ada wrote notes",), ("NOUN", "VERB", "NOUN"))

    found = count_labels(Corpus(splits={"train": [row]}, labelled="word"))

    assert [(each.label, each.counts["train"]) for each in found] == [("NOUN", 2), ("VERB", 1)]


MANY = ["a"] * 6 + ["b"] * 6


@pytest.mark.parametrize(
    ("splits", "level", "expected"),
    [
        ({"train": MANY, "test": ["a", "c"]}, "error", "the label 'c' of test never occurs in train"),
        (
            {"train": ["a"] * 9},
            "error",
            "every row of train has the label 'a': there is nothing to tell apart",
        ),
        (
            {"train": [*MANY, *["A "] * 6]},
            "warning",
            "labels that differ only by case or blanks: 'A ' (6), 'a' (6)",
        ),
        ({"train": MANY, "dev": ["a"]}, "warning", "the label 'b' of train never occurs in dev"),
        ({"train": [*MANY, "c"]}, "warning", "1 label with fewer than 5 examples in train: 'c' (1)"),
        ({"train": [*["a"] * 95, *["b"] * 5]}, "note", "95% of train have the label 'a'"),
    ],
)
def test_check_corpus_with_a_bad_label_says_so(
    splits: dict[str, list[str]], level: str, expected: str
) -> None:
    corpus = Corpus(splits={split: texts(split, *labels) for split, labels in splits.items()})

    assert problems(level, corpus) == [expected]


@pytest.mark.parametrize(
    ("train", "dev", "expected"),
    [
        ("aaai", "aaa", ["25.0 % of the questions of train have no answer, and none of dev"]),
        ("aaaa", "ai", ["50.0 % of the questions of dev have no answer, and none of train"]),
        ("aaai", "ai", []),
        ("aaaa", "aa", []),
    ],
)
def test_check_corpus_of_questions_warns_where_one_split_alone_has_unanswered_ones(
    train: str, dev: str, expected: list[str]
) -> None:
    names = {"a": "answerable", "i": "impossible"}
    splits = {
        split: texts(split, *map(names.__getitem__, letters))
        for split, letters in (("train", train), ("dev", dev))
    }

    assert problems("warning", Corpus(splits=splits, labelled="question")) == expected


def test_check_corpus_with_sound_labels_has_nothing_to_say() -> None:
    report = check_corpus(
        Corpus(splits={"train": texts("train", *MANY), "dev": texts("dev", "a", "b")}), task="t"
    )

    assert report.problems == []


def test_check_corpus_with_an_unknown_label_names_the_first_row_and_how_many() -> None:
    corpus = Corpus(splits={"train": texts("train", *MANY), "dev": texts("dev", "a", "b", "c", "c")})

    (problem,) = check_corpus(corpus, task="t").problems

    assert (problem.place, problem.count) == ("dev:3", 2)
    assert problem.hint


def test_check_corpus_repeats_nothing_that_the_plugin_has_said_of_a_label() -> None:
    told = Problem(level="error", message="the training data has no label 'c'", place="dev:3")
    corpus = Corpus(
        splits={"train": texts("train", *MANY), "dev": texts("dev", "a", "b", "c")}, problems=[told]
    )

    assert problems("error", corpus) == [told.message]


def test_check_corpus_of_texts_with_several_labels_may_have_rows_without_any() -> None:
    rows = [CorpusRow(f"t:{n}", (f"{n}",), labels) for n, labels in enumerate([("a",), (), ("a",)] * 3)]

    assert problems("error", Corpus(splits={"train": rows})) == []
