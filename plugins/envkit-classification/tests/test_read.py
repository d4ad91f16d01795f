from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envkit.api import DataError, Request
from envkit.data.rows import TextRow
from envkit_classification.plugin import ClassificationOptions, envkit_read
from envkit_classification.read import cut_dev, find_labels

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Record

    from envkit_classification.read import ClassificationData


def read(record: Record, **options: Any) -> ClassificationData:
    return envkit_read(Request(options=ClassificationOptions(**options), report=record))


def write(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        (folder / f"{name}.csv").write_text(text, encoding="utf-8")
    return folder


ROWS = "".join(f"message number {n},{'ab'[n % 2]}\n" for n in range(40))
LISTS = "".join(
    f'{{"text": "message number {n}", "labels": {labels}}}\n'
    for n, labels in enumerate(['["a"]', '["a", "b"]', "[]", '["c"]'] * 10)
)


def test_find_labels_sorts_numbers_of_any_length_by_their_size() -> None:
    labels = ["10", "9", "1" * 5000, "007"]
    found = find_labels([TextRow("a", (label,), "x:1") for label in labels])
    assert found == ("007", "9", "10", "1" * 5000)


def test_read_of_several_labels_cuts_those_of_dev_as_those_of_train(tmp_path: Path, record: Record) -> None:
    cells = ["a|b", "a", '"Doe, John"', '"b|Doe, John"']
    train, dev = (
        "text,label\n" + "".join(f"message number {n},{kinds[n % len(kinds)]}\n" for n in range(20))
        for kinds in (cells, cells[1:3])
    )
    data = read(record, data=write(tmp_path, train=train, dev=dev), multi_label=True)
    assert data.labels == ("Doe, John", "a", "b")
    assert {row.labels for row in data.dev} == {("a",), ("Doe, John",)}


def test_read_without_data_takes_the_sample_and_says_so(record: Record) -> None:
    data = read(record)
    assert data.labels == ("account", "billing", "delivery", "fault", "return")
    assert (len(data.train), len(data.dev), len(data.test)) == (600, 150, 150)
    assert not data.is_multi_label and not data.is_pair
    assert "sample" in record.said[0]
    assert record.said[-1].startswith("600 texts to train on, 150 dev, 150 test; 5 labels: account, billing")


def test_sample_shares_no_text_between_its_files(record: Record) -> None:
    data = read(record)
    texts = [{row.text.lower() for row in rows} for rows in (data.train, data.dev, data.test)]
    assert not (texts[0] & texts[1] or texts[0] & texts[2] or texts[1] & texts[2])


def test_read_of_one_file_cuts_dev_off_by_label(tmp_path: Path, record: Record) -> None:
    data = read(record, data=write(tmp_path, train="text,label\n" + ROWS) / "train.csv")
    assert (len(data.train), len(data.dev), len(data.test)) == (36, 4, 0)
    assert Counter(row.labels for row in data.dev) == {("a",): 2, ("b",): 2}
    assert "No dev data given: 4 of 40 training texts, cut by the seed" in record.said


@given(
    labels=st.lists(st.sampled_from("abcdefgh"), min_size=12, max_size=80).filter(
        lambda one: len(set(one)) > 1
    ),
    seed=st.integers(0, 5),
)
def test_cut_dev_keeps_every_row_once_and_every_label_in_train(labels: list[str], seed: int) -> None:
    rows = [TextRow(f"text {number}", (label,), f"rows:{number}") for number, label in enumerate(labels)]
    train, dev = cut_dev(rows, seed=seed)
    assert sorted(train + dev, key=lambda row: int(row.name[5:])) == rows
    assert len(dev) == round(len(rows) / 10)
    if len(rows) - len(set(labels)) >= len(dev):
        assert {row.labels for row in train} == {row.labels for row in rows}
    assert cut_dev(rows, seed=seed) == (train, dev)


def test_read_of_one_file_keeps_copies_of_a_text_together(tmp_path: Path, record: Record) -> None:
    rows = "".join(f"message number {n % 10},{'ab'[n % 2]}\n" for n in range(50))
    data = read(record, train=write(tmp_path, train="text,label\n" + rows) / "train.csv")
    assert (len(data.train), len(data.dev)) == (45, 5)
    assert not {row.text for row in data.train} & {row.text for row in data.dev}
    assert not record.warned


def test_read_of_too_few_texts_to_keep_copies_together_warns(tmp_path: Path, record: Record) -> None:
    write(tmp_path, train="text,label\n" + "good day,a\nbad day,b\n" * 10)
    data = read(record, train=tmp_path / "train.csv")
    assert (len(data.train), len(data.dev)) == (18, 2)
    assert "dev holds texts that are trained on" in record.warned[0]


def test_read_lists_of_labels_makes_a_run_with_several(tmp_path: Path, record: Record) -> None:
    file = tmp_path / "train.jsonl"
    file.write_text(LISTS, encoding="utf-8")
    data = read(record, train=file)
    assert data.is_multi_label
    assert data.labels == ("a", "b", "c")
    assert "texts with any number of labels" in record.said[-1]


def test_read_with_multi_label_splits_strings(tmp_path: Path, record: Record) -> None:
    write(tmp_path, train="text,label\n" + "one,a|b\ntwo,b\nthree,c|a\n" * 5)
    data = read(record, train=tmp_path / "train.csv", multi_label=True)
    assert data.is_multi_label
    assert data.labels == ("a", "b", "c")


def test_read_pairs_by_their_columns(tmp_path: Path, record: Record) -> None:
    rows = "".join(f"left {n},right {n},{'yn'[n % 2]}\n" for n in range(30))
    write(tmp_path, train="first,second,label\n" + rows)
    data = read(record, train=tmp_path / "train.csv", text_column="first", pair_column="second")
    assert data.is_pair
    assert (data.train[0].text, data.train[0].pair) == ("left 0", "right 0")
    assert record.said[-1].startswith("27 pairs of texts")


def test_read_numbers_as_labels_are_in_the_order_of_their_size(tmp_path: Path, record: Record) -> None:
    rows = "".join(f"message number {n},{n % 11}\n" for n in range(60))
    data = read(record, train=write(tmp_path, train="text,label\n" + rows) / "train.csv")
    assert data.labels == tuple(map(str, range(11)))


@pytest.mark.parametrize(
    ("part", "labels"),
    [
        ("all", ("LOC:city", "LOC:state", "NUM:date")),
        ("first", ("LOC", "NUM")),
        ("last", ("city", "date", "state")),
    ],
)
def test_read_learns_the_part_of_the_labels_that_was_asked_for(
    tmp_path: Path, record: Record, part: str, labels: tuple[str, ...]
) -> None:
    lines = "".join(
        f"LOC:city Where is place {n} ?\nLOC:state In what state ?\nNUM:date When ?\n" for n in range(9)
    )
    file = tmp_path / "train.txt"
    file.write_text(lines, encoding="utf-8")
    assert read(record, train=file, label_part=part).labels == labels
    assert any("--label-part first learns the 2 before it" in text for text in record.said) == (part == "all")


TRAIN = "text,label\n" + ROWS


@pytest.mark.parametrize(
    ("files", "options", "message", "hint"),
    [
        (
            {"train": TRAIN, "dev": "text,label\nfine so,a\nnew one,c\n"},
            {},
            r"dev\.csv:3: the label 'c' is not in the training data, which has a, b",
            "Mend the label",
        ),
        (
            {"train": TRAIN, "test": "text,label\nfine so,a\nnew one,Z\n"},
            {},
            r"test\.csv:3: the label 'Z' is not in the training data",
            "Mend the label",
        ),
        (
            {"train": "text,label\n" + "".join(f"message {n},a\n" for n in range(9))},
            {"label_column": "label"},
            r"train\.csv: every text has the one label 'a': there is nothing to tell apart",
            "--label-column",
        ),
        (
            {"train": "sentence1,sentence2,label\n" + "one,two,y\nthree,four,n\n" * 9, "dev": TRAIN},
            {},
            r"dev\.csv:2: found one text, but the training data has a pair in each row",
            "--pair-column",
        ),
    ],
    ids=["unknown in dev", "unknown in test", "one class", "pairs and single texts"],
)
def test_read_data_that_cannot_be_learned_is_refused(
    tmp_path: Path, record: Record, files: dict[str, str], options: dict[str, Any], message: str, hint: str
) -> None:
    with pytest.raises(DataError, match=message) as caught:
        read(record, data=write(tmp_path, **files), **options)
    assert hint in (caught.value.hint or "")


@pytest.mark.parametrize(
    ("labels", "message"),
    [('["a", "b"]', r"jsonl:2: the text has 2 labels"), ("[]", r"jsonl:2: the text has no label")],
)
def test_read_with_one_label_asked_for_refuses_rows_with_others(
    tmp_path: Path, record: Record, labels: str, message: str
) -> None:
    file = tmp_path / "train.jsonl"
    file.write_text('{"text": "one", "labels": ["a"]}\n' + f'{{"text": "two", "labels": {labels}}}\n' * 9)
    with pytest.raises(DataError, match=message) as caught:
        read(record, train=file, multi_label=False)
    assert "--multi-label" in (caught.value.hint or "")


def test_read_trec_needs_its_encoding_and_has_six_coarse_labels(real_data: Path, record: Record) -> None:
    files = {"train": real_data / "trec" / "train.txt", "test": real_data / "trec" / "test.txt"}
    with pytest.raises(DataError) as caught:
        read(record, **files)
    assert "--encoding ISO-8859-1" in (caught.value.hint or "")
    data = read(record, **files, encoding="ISO-8859-1", label_part="first")
    assert data.labels == ("ABBR", "DESC", "ENTY", "HUM", "LOC", "NUM")
    assert (len(data.train) + len(data.dev), len(data.test)) == (5452, 500)


@pytest.mark.parametrize(
    ("file", "rows", "labels", "several"),
    [
        ("agnews/train.tsv", 10_001, 4, False),
        ("prodigy/multilabel_cooking.jsonl", None, None, True),
    ],
)
def test_read_real_data_without_any_option(
    real_data: Path, record: Record, file: str, rows: int | None, labels: int | None, several: bool
) -> None:
    data = read(record, train=real_data / file)
    assert data.is_multi_label == several
    assert rows is None or len(data.train) + len(data.dev) == rows
    assert labels is None or len(data.labels) == labels


@pytest.mark.parametrize(
    ("counts", "told"),
    [
        ({"a": 20, "b": 25}, None),
        ({"a": 20, "b": 3}, "where 1 of 2 labels have fewer than 20 texts (b 3)"),
        ({"a": 7, "b": 3}, "where 2 of 2 labels have fewer than 20 texts (b 3, a 7)"),
    ],
)
def test_read_of_several_labels_says_which_have_too_few_texts_in_dev_for_a_threshold(
    tmp_path: Path, record: Record, counts: dict[str, int], told: str | None
) -> None:
    rows = [(label, f"{label} {n}") for label, count in counts.items() for n in range(count)]
    file = tmp_path / "rows.jsonl"
    file.write_text("".join(json.dumps({"text": text, "labels": [label]}) + "\n" for label, text in rows))
    options = ClassificationOptions(train=file, dev=file, multi_label=True)
    envkit_read(Request(options=options, report=record))
    said = [line for line in record.said if line.startswith("Thresholds are chosen on dev")]
    assert len(said) == (told is not None)
    assert all((told or "") in line for line in said)


def test_options_with_a_metric_that_the_task_lacks_are_refused() -> None:
    assert ClassificationOptions(metric="dev/matthews").metric == "dev/matthews"
    with pytest.raises(ValueError, match="--metric is 'dev/f1', expected one of dev/accuracy, dev/macro_f1"):
        ClassificationOptions(metric="dev/f1")
