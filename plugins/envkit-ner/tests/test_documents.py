from __future__ import annotations

from pathlib import Path

import pytest

from envkit.api import DataError
from envkit.data.token_rows import Sentence, read_sentences
from envkit_ner.documents import check_documents, cut_dev_documents, find_documents


def make(*documents: int) -> list[Sentence]:
    return [Sentence((str(line),), ("O",), document, line) for line, document in enumerate(documents)]


@pytest.mark.parametrize(
    ("documents", "ranges"),
    [
        ((), []),
        ((0,), [range(1)]),
        ((0, 0, 1, 3, 3), [range(2), range(2, 3), range(3, 5)]),
    ],
)
def test_find_documents_are_runs_of_sentences(documents: tuple[int, ...], ranges: list[range]) -> None:
    assert find_documents(make(*documents)) == ranges


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("plain.txt", "a O\n\nb B-X\n"),
        ("one_mark.txt", "-DOCSTART- O\n\na O\n\nb B-X\n"),
        ("rows.jsonl", '{"tokens": ["a"], "tags": ["O"]}\n{"tokens": ["b"], "tags": ["B-X"]}\n'),
    ],
)
def test_check_documents_of_a_file_without_marks_is_refused(tmp_path: Path, name: str, content: str) -> None:
    file = tmp_path / name
    file.write_text(content)
    with pytest.raises(DataError, match="2 sentences are not divided into documents") as raised:
        check_documents(read_sentences(file).sentences, file=file)
    assert raised.value.message.startswith(f"{file}: ")
    assert "-DOCSTART-" in (raised.value.hint or "")
    assert "--context sentence" in (raised.value.hint or "")


@pytest.mark.parametrize("documents", [(), (0,), (0, 1), (0, 0, 1)])
def test_check_documents_that_are_divided_passes(documents: tuple[int, ...]) -> None:
    check_documents(make(*documents), file=Path("any"))


def test_cut_dev_documents_cuts_whole_documents_by_the_seed() -> None:
    sentences = make(*(number // 3 for number in range(60)))
    train, dev = cut_dev_documents(sentences, seed=1)
    assert len(dev) == 6
    assert not {one.document for one in train} & {one.document for one in dev}
    assert sorted(train + dev, key=lambda one: one.line) == sentences
    assert train == sorted(train, key=lambda one: one.line)
    assert cut_dev_documents(sentences, seed=1) == (train, dev)
    assert cut_dev_documents(sentences, seed=2)[1] != dev


def test_cut_dev_documents_of_one_document_is_refused() -> None:
    with pytest.raises(DataError, match="expected at least two"):
        cut_dev_documents(make(0, 0, 0), seed=1)
