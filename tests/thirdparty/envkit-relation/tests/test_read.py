from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from envkit.api import DataError, Request
from envkit.data.streaming import Record
from envkit.testing import Heard
from envkit_relation.corpus import read_corpus
from envkit_relation.plugin import RelationOptions
from envkit_relation.read import make_row, read

if TYPE_CHECKING:
    from pathlib import Path


def request(file: Path | None = None) -> Request[RelationOptions]:
    return Request(options=RelationOptions(train=file), report=Heard())


def write(folder: Path, *rows: dict[str, Any]) -> Path:
    file = folder / "train.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return file


def test_sample_has_five_relations_and_all_splits() -> None:
    data = read(request())
    assert data.labels == ("based_in", "born_in", "employed_by", "founded", "no_relation")
    assert (len(data.train), len(data.dev), len(data.test)) == (60, 15, 15)
    corpus = read_corpus(request())
    assert [len(rows) for rows in corpus.splits.values()] == [60, 15, 15]


@pytest.mark.parametrize(
    ("values", "marked"),
    [
        ({"text": "Ada left Rome", "head": [0, 3], "tail": [9, 13]}, "[E1] Ada [/E1] left [E2] Rome [/E2]"),
        ({"text": "Ada left Rome", "head": [9, 13], "tail": [0, 3]}, "[E2] Ada [/E2] left [E1] Rome [/E1]"),
        (
            {"tokens": ["Ada", "B.", "left", "Rome"], "head": [0, 2], "tail": [3, 4]},
            "[E1] Ada B. [/E1] left [E2] Rome [/E2]",
        ),
        ({"text": "AdaRome", "head": [0, 3], "tail": [3, 7]}, "[E1] Ada [/E1] [E2] Rome [/E2]"),
        ({"tokens": ["Rome", "Bank"], "head": [0, 2], "tail": [0, 1]}, "[E1] [E2] Rome [/E2] Bank [/E1]"),
        ({"tokens": ["Rome", "Bank"], "head": [1, 2], "tail": [0, 2]}, "[E2] Rome [E1] Bank [/E1] [/E2]"),
        ({"text": "[E1] Ada [/E1]  left\n[E2] Rome [/E2]"}, "[E1] Ada [/E1] left [E2] Rome [/E2]"),
    ],
)
def test_entities_are_marked_where_they_are(values: dict[str, Any], marked: str) -> None:
    assert make_row(Record(values, "a:1")).text == marked


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"text": "Ada left Rome"}, "there are not two entities"),
        ({"text": "Ada left Rome", "head": [0, 3]}, "there are not two entities"),
        ({"text": "[E1] Ada [/E1] left", "head": [0, 3], "tail": [4, 8]}, "there are not two entities"),
        ({"text": "Ada", "head": [0, 3], "tail": [2, 4]}, "not within 0 and 3"),
        ({"text": "Ada", "head": [2, 2], "tail": [0, 1]}, "not within 0 and 3"),
        ({"text": "Ada", "head": [0, "3"], "tail": [0, 1]}, r"\$\.head"),
        ({"tokens": "Ada left", "head": [0, 1], "tail": [1, 2]}, r"\$\.tokens"),
        ({"text": 7, "head": [0, 1], "tail": [1, 2]}, r"\$\.text"),
    ],
)
def test_row_without_two_entities_is_refused_by_its_place(values: dict[str, Any], said: str) -> None:
    with pytest.raises(DataError, match=f"^rows.jsonl:3: .*{said}"):
        make_row(Record(values, "rows.jsonl:3"))


def test_data_of_one_relation_is_refused(tmp_path: Path) -> None:
    row = {"tokens": ["Ada", "Rome"], "head": [0, 1], "tail": [1, 2], "relation": "in"}
    with pytest.raises(DataError, match="nothing to tell apart"):
        read(request(write(tmp_path, row, row)))


def test_row_without_relation_is_refused_in_training(tmp_path: Path) -> None:
    row = {"tokens": ["Ada", "Rome"], "head": [0, 1], "tail": [1, 2]}
    with pytest.raises(DataError, match="there is no relation"):
        read(request(write(tmp_path, row)))


def test_a_part_of_training_data_alone_becomes_dev(tmp_path: Path) -> None:
    rows = [
        {"tokens": ["Ada", "Rome"], "head": [0, 1], "tail": [1, 2], "relation": "ab"[n % 2]}
        for n in range(20)
    ]
    data = read(request(write(tmp_path, *rows)))
    assert (len(data.train), len(data.dev), len(data.test)) == (18, 2, 0)
