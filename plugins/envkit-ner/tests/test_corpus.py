from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from envkit.api import CorpusRow, DataError, Request
from envkit_ner.corpus import read_corpus
from envkit_ner.plugin import NerOptions, envkit_corpus
from envkit_ner.read import read

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Record

TRAIN = "Ada B-PER\nwrote O\n\nRome B-LOC\n\n" + "it O\n\n" * 18


def write(folder: Path, **files: str) -> dict[str, Path]:
    for name, content in files.items():
        (folder / f"{name}.txt").write_text(content)
    return {name: folder / f"{name}.txt" for name in files}


def test_read_corpus_imports_nothing_heavy() -> None:
    program = (
        "import sys, envkit_ner.corpus, envkit_ner.inputs;"
        "heavy = {'torch', 'transformers', 'numpy', 'rich', 'click', 'pyarrow'} & set(sys.modules);"
        "sys.exit(str(heavy) if heavy else 0)"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_read_corpus_without_data_is_the_sample_and_says_so(record: Record) -> None:
    corpus = envkit_corpus(Request(options=NerOptions(), report=record))
    assert {split: len(rows) for split, rows in corpus.splits.items()} == {
        "train": 480,
        "dev": 120,
        "test": 120,
    }
    assert (corpus.labelled, corpus.problems, corpus.is_cut) == ("word", [], False)
    assert "small sample" in corpus.notes[0]


def test_read_corpus_has_the_rows_of_a_run_with_words_tags_and_place(tmp_path: Path, record: Record) -> None:
    files = write(tmp_path, train=TRAIN, test="1 S-PER\n\nBo S-PER\nGo E-PER\n")
    request = Request(options=NerOptions(window=32, **files), report=record)
    corpus, data = read_corpus(request), read(request)
    assert list(corpus.splits) == ["train", "dev", "test"]
    for split, sentences in (("train", data.train), ("dev", data.dev), ("test", data.test)):
        assert [(row.key, row.labels) for row in corpus.splits[split]] == [
            (sentence.words, sentence.tags) for sentence in sentences
        ]
    assert corpus.splits["test"][1] == CorpusRow(
        name="test.txt:3", texts=("Bo Go",), labels=("B-PER", "B-PER"), key=("Bo", "Go")
    )
    assert corpus.window == 32
    assert any("cut by the seed" in note for note in corpus.notes)
    (problem,) = corpus.problems
    assert (problem.level, problem.place, problem.count) == ("warning", "test.txt:4", 1)


def test_read_corpus_tells_all_problems_and_goes_on(tmp_path: Path, record: Record) -> None:
    files = write(
        tmp_path,
        train=json.dumps({"text": "Ada in London", "entities": [[0, 3, "PER"], [7, 12, "LOC"]]})
        + '\n{"text": "cut',
        dev="Bo B-ORG\nGo B-ORG\n\nLondon B-LOC\n",
        test="Bo PERSON\nGo B-PER\n",
    )
    corpus = read_corpus(Request(options=NerOptions(**files), report=record))
    assert [(one.level, one.place, one.count) for one in corpus.problems] == [
        ("error", "train.txt:1", 1),
        ("error", "train.txt:2", 1),
        ("error", "test.txt:1", 1),
        ("error", "dev.txt:1", 2),
        ("error", "dev.txt:4", 1),
    ]
    assert "'Londo'" in corpus.problems[0].message
    assert "entity of type 'ORG', only PER" in corpus.problems[3].message
    assert all(one.hint for one in corpus.problems)
    assert {split: len(rows) for split, rows in corpus.splits.items()} == {"train": 1, "dev": 2, "test": 1}


@pytest.mark.parametrize(
    ("content", "options", "problem"),
    [
        ("it NN O\nis VB O\n\nit NN O\n", {}, "nothing to learn"),
        ("Ada B-PER\n", {}, "one row to train on"),
        ("Ada B-PER\n\nBo B-PER\n", {"context": "document"}, "not divided into documents"),
    ],
)
def test_read_corpus_of_what_a_run_refuses_is_a_problem(
    tmp_path: Path, record: Record, content: str, options: dict[str, str], problem: str
) -> None:
    files = write(tmp_path, train=content)
    request = Request(options=NerOptions(**files, **options), report=record)  # type: ignore[arg-type]
    found = read_corpus(request).problems
    assert any(problem in one.message and one.level == "error" for one in found)
    with pytest.raises(DataError, match=problem):
        read(request)


def test_read_corpus_of_a_file_that_cannot_be_read_is_an_error(tmp_path: Path, record: Record) -> None:
    with pytest.raises(DataError, match="no such file"):
        read_corpus(Request(options=NerOptions(train=tmp_path / "none.txt"), report=record))
