"""Rows of predictions in the formats they are written in."""

from __future__ import annotations

import csv
import fcntl
import io
import json
import os
import threading
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envkit.api import DataError, Prediction, UsageError
from envkit.worker.rows_out import CsvRows, RowsFile, conll_row, row_writer

_texts = st.text(alphabet=st.characters(exclude_categories=("Cs",)))


def csv_text(*rows: dict[str, Any]) -> tuple[str, list[str]]:
    warnings: list[str] = []
    rows_of = CsvRows(warn=warnings.append)
    return b"".join(rows_of.row(Prediction(fields=row)) for row in rows).decode(), warnings


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        ("plain", "plain"),
        ("", ""),
        (None, ""),
        (True, "true"),
        (3, "3"),
        (0.25, "0.25"),
        ("a,b", '"a,b"'),
        ('say "hi"', '"say ""hi"""'),
        ("two\nlines", '"two\nlines"'),
        ("back\rforth", '"back\rforth"'),
        (["A", "B"], '"[""A"",""B""]"'),
        ({"A": 0.5}, '"{""A"":0.5}"'),
        ([], "[]"),
    ],
)
def test_csv_cell_is_flat_text_or_json(value: Any, cell: str) -> None:
    assert csv_text({"id": 1, "x": value})[0] == f"id,x\n1,{cell}\n"


@given(st.lists(st.tuples(_texts, _texts), min_size=1))
def test_csv_read_again_has_every_text_as_it_was(pairs: list[tuple[str, str]]) -> None:
    content, _ = csv_text(*({"a": first, "b": second} for first, second in pairs))

    read = list(csv.reader(io.StringIO(content, newline="")))

    assert read == [["a", "b"], *map(list, pairs)]


def test_csv_rows_with_other_fields_keep_the_columns_and_say_once_what_is_left_out() -> None:
    content, warnings = csv_text({"a": 1, "b": 2}, {"b": 3}, {"a": 4, "c": 5}, {"c": 6})

    assert content == "a,b\n1,2\n,3\n4,\n,\n"
    assert len(warnings) == 1
    assert "'c'" in warnings[0]
    assert "--to jsonl" in warnings[0]


def test_csv_has_a_column_for_the_score_of_each_label_in_the_order_of_the_labels() -> None:
    content, warnings = csv_text(
        {"text": "a", "scores": {"neg": 0.25, "pos": 0.75}, "gold": "pos"},
        {"text": "b", "scores": {"neg": 0.5, "pos": 0.5}, "gold": "neg"},
    )

    assert content == "text,score_neg,score_pos,gold\na,0.25,0.75,pos\nb,0.5,0.5,neg\n"
    assert warnings == []


@pytest.mark.parametrize(
    ("row", "content"),
    [
        ({"score_a": "own", "scores": {"a": 1.0}}, "score_a,score_score_a\nown,1.0\n"),
        ({"scores": [0.5]}, "scores\n[0.5]\n"),
        ({"scores": {"a": "high"}}, 'scores\n"{""a"":""high""}"\n'),
    ],
)
def test_csv_of_scores_keeps_the_columns_of_the_input_and_what_is_no_number(
    row: dict[str, Any], content: str
) -> None:
    assert csv_text(row)[0] == content


def test_csv_and_jsonl_have_the_same_fields() -> None:
    prediction = Prediction(fields={"text": "a"}, is_right=False, loss=0.12345)

    line = row_writer("jsonl", task="echo", warn=pytest.fail)(prediction)
    table = row_writer("csv", task="echo", warn=pytest.fail)(prediction)

    assert json.loads(line) == {"text": "a", "is_right": False, "loss": 0.1235}
    assert table == b"text,is_right,loss\na,false,0.1235\n"


def test_conll_row_ends_with_an_empty_line() -> None:
    prediction = Prediction(fields={}, columns=[("Ada", "B-PER"), ("sang", "O")])

    assert conll_row(prediction, task="ner") == b"Ada\tB-PER\nsang\tO\n\n"


def test_conll_row_in_front_of_which_a_document_begins_has_its_mark_and_an_empty_line() -> None:
    prediction = Prediction(fields={}, columns=[("-DOCSTART-", "O"), (), ("Ada", "B-PER")])

    assert conll_row(prediction, task="ner") == b"-DOCSTART-\tO\n\nAda\tB-PER\n\n"


@pytest.mark.parametrize("cell", ["a\tb", "a\nb", "a\rb", ""])
def test_conll_row_with_a_cell_that_breaks_columns_is_refused_with_its_place(cell: str) -> None:
    prediction = Prediction(fields={"name": "in.jsonl:4"}, columns=[(cell, "O")])

    with pytest.raises(DataError, match=r"in\.jsonl:4: .* cannot stand in a column"):
        conll_row(prediction, task="ner")


def test_conll_row_without_columns_is_refused_by_its_task() -> None:
    with pytest.raises(UsageError, match="qa labels no words"):
        conll_row(Prediction(fields={}), task="qa")


def test_rows_file_waits_for_a_slow_reader_of_a_pipe_that_would_not() -> None:
    reader, writer = os.pipe()
    fcntl.fcntl(writer, fcntl.F_SETFL, os.O_NONBLOCK)
    row = b"x" * 1_000_000
    found: list[bytes] = []

    def read() -> None:
        with os.fdopen(reader, "rb") as stream:
            found.append(stream.read())

    thread = threading.Thread(target=read)
    thread.start()
    RowsFile(writer).write(row)
    os.close(writer)
    thread.join()

    assert found == [row]
