from __future__ import annotations

from typing import TYPE_CHECKING, Any

from envkit.api import Corpus, Request
from envkit_classification.plugin import ClassificationOptions, envkit_corpus, envkit_read

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Record


def look(record: Record, **options: Any) -> Corpus:
    return envkit_corpus(Request(options=ClassificationOptions(**options), report=record))


def test_corpus_of_the_sample_has_all_rows_and_no_problem(record: Record) -> None:
    corpus = look(record)
    assert {split: len(rows) for split, rows in corpus.splits.items()} == {
        "train": 600,
        "dev": 150,
        "test": 150,
    }
    assert not corpus.problems
    row = corpus.splits["train"][0]
    assert row.name == "train.csv:2"
    assert len(row.texts) == len(row.labels) == 1
    assert corpus.labelled == "text" and not corpus.is_cut and corpus.window is None


def test_corpus_without_dev_is_cut_as_a_run_cuts_it(tmp_path: Path, record: Record) -> None:
    file = tmp_path / "train.csv"
    file.write_text("text,label\n" + "".join(f"text of number {n},{'ab'[n % 2]}\n" for n in range(60)))
    corpus = look(record, train=file, test=file, seed=3)
    data = envkit_read(Request(options=ClassificationOptions(train=file, test=file, seed=3), report=record))
    assert list(corpus.splits) == ["train", "dev", "test"]
    for split, rows in (("train", data.train), ("dev", data.dev), ("test", data.test)):
        assert [row.name for row in corpus.splits[split]] == [row.name for row in rows]
    assert "No dev data given: 6 of 60 training texts, cut by the seed" in corpus.notes


def test_corpus_says_whether_long_texts_are_cut(record: Record) -> None:
    corpus = look(record, long_text="truncate", window=64)
    assert corpus.is_cut and corpus.window == 64


def test_corpus_holds_what_would_end_a_run_as_problems(tmp_path: Path, record: Record) -> None:
    file = tmp_path / "train.jsonl"
    file.write_text('{"text": "one", "labels": ["a", "b"]}\n{"text": "two", "labels": []}\n' * 5)
    corpus = look(record, train=file, multi_label=False)
    assert [(problem.level, problem.place, problem.count) for problem in corpus.problems] == [
        ("error", "train.jsonl:1", 5),
        ("error", "train.jsonl:2", 5),
    ]
    assert not look(record, train=file).problems


def test_corpus_of_one_class_has_an_error(tmp_path: Path, record: Record) -> None:
    file = tmp_path / "train.csv"
    file.write_text("text,label\nfirst one,a\nanother one,a\n")
    (problem,) = look(record, train=file, text_column="text", label_column="label").problems
    assert problem.level == "error" and problem.count == 2


def test_corpus_of_pairs_has_both_texts(tmp_path: Path, record: Record) -> None:
    file = tmp_path / "train.csv"
    file.write_text("sentence1,sentence2,label\n" + "one,two,y\nthree,four,n\n" * 3)
    assert look(record, train=file).splits["train"][1].texts == ("three", "four")
