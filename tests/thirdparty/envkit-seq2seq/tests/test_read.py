from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from envkit.api import DataError, Request
from envkit.testing import Heard
from envkit_seq2seq.corpus import read_corpus
from envkit_seq2seq.plugin import Seq2seqOptions
from envkit_seq2seq.read import read

if TYPE_CHECKING:
    from pathlib import Path


def request(file: Path | None = None) -> Request[Seq2seqOptions]:
    return Request(options=Seq2seqOptions(train=file), report=Heard())


def test_sample_has_all_splits_and_no_date_twice() -> None:
    data = read(request())
    assert (len(data.train), len(data.dev), len(data.test)) == (600, 60, 60)
    targets = [row.labels for rows in (data.train, data.dev, data.test) for row in rows]
    assert len(set(targets)) == len(targets)
    corpus = read_corpus(request())
    assert [len(rows) for rows in corpus.splits.values()] == [600, 60, 60]


def test_a_part_of_training_data_alone_becomes_dev(tmp_path: Path) -> None:
    file = tmp_path / "train.jsonl"
    file.write_text("".join(f'{{"text": "text {n}", "target": "{n}"}}\n' for n in range(20)))
    data = read(request(file))
    assert (len(data.train), len(data.dev), len(data.test)) == (18, 2, 0)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("text,target\none,1\ntwo,\n", "there is no target"),
        ("text,target\none,1\n,2\n", "there is no text"),
        ("text,target\none,1\nuno,1\n", "nothing to learn"),
        ("text,target\n", "no row"),
    ],
)
def test_data_that_teaches_nothing_is_refused(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "train.csv"
    file.write_text(text)
    with pytest.raises(DataError, match=said):
        read(request(file))


def test_adapter_is_refused() -> None:
    with pytest.raises(ValueError, match="--peft"):
        Seq2seqOptions(peft="lora")
