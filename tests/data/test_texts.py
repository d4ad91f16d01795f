from __future__ import annotations

import gzip
import json
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envkit.api import DataError
from envkit.data.texts import TextFile, read_texts

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def read(tmp_path: Path) -> Any:
    """Read a file of this name and content."""

    def call(name: str, content: str | bytes | list[dict[str, Any]], **options: Any) -> TextFile:
        if isinstance(content, list):
            content = "\n".join(map(json.dumps, content))
        file = tmp_path / name
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
        return read_texts(file, **options)

    return call


def pairs(found: TextFile) -> list[tuple[str, ...]]:
    return [(row.text, *row.labels) for row in found.rows]


TWO = [("a b", "pos"), ("c", "neg")]


@pytest.mark.parametrize(
    ("name", "content", "note"),
    [
        ("x.csv", "text,label\na b,pos\nc,neg\n", "x.csv: text from column 'text', label from 'label'"),
        ("x.csv", "id,Review,Stars\n1,a b,pos\n2,c,neg\n", "x.csv: text from column 'Review', label from 'Stars'"),
        ("x.tsv", "a b\tpos\nc\tneg\n", "x.tsv: no header; text from column 1, label from column 2"),
        ("x.tsv", "pos\ta b\nneg\tc\n", "x.tsv: no header; text from column 2, label from column 1"),
        ("x.csv", b"\xef\xbb\xbftext,label\na b,pos\nc,neg\n", "x.csv: text from column 'text', label from 'label'"),
        ("x.csv.gz", gzip.compress(b"a b,pos\nc,neg\n", mtime=0), "x.csv.gz: no header; text from column 1, label from column 2"),
        ("x", '{"content": "a b", "class": "pos"}\n{"content": "c", "class": "neg"}', "x: text from column 'content', label from 'class'"),
        ("x.json", '[{"text": "a b", "label": "pos"}, {"text": "c", "label": "neg"}]', "x.json: text from column 'text', label from 'label'"),
        ("x", "__label__pos a b\n__label__neg c\n", "x: labels are the words __label__… that begin each line"),
    ],
)  # fmt: skip
def test_read_texts_of_any_form_guesses_columns_and_says_so(
    read: Any, name: str, content: Any, note: str
) -> None:
    found = read(name, content)
    assert pairs(found) == TWO
    assert found.notes == (note,)
    assert (found.warnings, found.has_many) == ((), False)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"text_column": "b", "label_column": "a"}, ("x", "1", None)),
        ({"text_column": "2", "label_column": "1"}, ("x", "1", None)),
        ({"text_column": "C_c", "label_column": "a"}, ("y", "1", None)),
        ({"text_column": "b", "pair_column": "C c", "label_column": "a"}, ("x", "1", "y")),
    ],
)
def test_read_texts_columns_that_are_named_are_taken(read: Any, options: Any, expected: Any) -> None:
    found = read("x.csv", "a,b,C c\n" + "1,x,y\n0,z,w\n" * 2, **options)
    row = found.rows[0]
    assert (row.text, row.labels[0], row.pair) == expected
    assert found.notes == ()


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("sentence1", "sentence2"),
        ("premise", "hypothesis"),
        ("question1", "question2"),
        ("text", "aspect"),
        ("text", "pair"),
    ],
)
def test_read_texts_of_a_known_pair_reads_both_and_says_so(read: Any, first: str, second: str) -> None:
    found = read("x.csv", f"{first},{second},label\na,b,1\nc,d,0\n")
    assert [(row.text, row.pair) for row in found.rows] == [("a", "b"), ("c", "d")]
    assert found.notes == (f"x.csv: text from columns '{first}' and '{second}', label from 'label'",)


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        (["1.0", "2.0"], ["1", "2"]),
        (["4.5", "1"], ["4.5", "1"]),
        ([" pos", "neg "], ["pos", "neg"]),
        ([1, 0], ["1", "0"]),
        ([1.0, 0.5], ["1", "0.5"]),
        ([True, False], ["true", "false"]),
        ([["a"], ["b"]], ["a", "b"]),
        ([{"a": 1.0, "b": 0.0}, {"a": 0, "b": 1}], ["a", "b"]),
        ([{"a": True, "b": False}, {"b": True}], ["a", "b"]),
        ([[{"label": 3, "user": 1}], [{"label": 4, "user": 1}]], ["3", "4"]),
    ],
)
def test_read_texts_of_one_label_a_row_gives_it_as_a_string(read: Any, labels: Any, expected: Any) -> None:
    rows = [{"text": text, "label": label} for text, label in zip("ab", labels, strict=True)]
    found = read("x.jsonl", rows)
    assert [row.labels for row in found.rows] == [(label,) for label in expected]
    assert not found.has_many


MANY = [("a", "x", "y"), ("b", "y"), ("c",)]


@pytest.mark.parametrize(
    ("name", "content", "labels"),
    [
        ("x.csv", "text,labels\na,x|y\nb,y\nc,\n", "many"),
        ("x.csv", 'text,labels\na,"x, y"\nb,y\nc,\n', "many"),
        ("x.csv", "text,labels\na,\"['x', 'y']\"\nb,['y']\nc,[]\n", "one"),
        ("x.csv", 'text,labels\na,"[""x"", ""y""]"\nb,"[""y""]"\nc,[]\n', "one"),
        ("x.jsonl", [{"text": t, "labels": labels} for t, *labels in MANY], "one"),
        ("x.jsonl", [{"data": t, "label": labels, "Comments": []} for t, *labels in MANY], "one"),
        ("x.jsonl", [{"text": t, "cats": {k: float(k in labels) for k in "xy"}} for t, *labels in MANY], "one"),
        ("x.jsonl", [{"text": t, "accept": labels, "answer": "accept"} for t, *labels in MANY], "one"),
        ("x.txt", "__label__x __label__y a\n__label__y b\n __label__z c", "one"),
    ],
)  # fmt: skip
def test_read_texts_of_several_labels_a_row_gives_them_all(
    read: Any, name: str, content: Any, labels: Any
) -> None:
    found = read(name, content, labels=labels)
    expected = MANY if name != "x.txt" else [*MANY[:2], ("c", "z")]
    assert pairs(found) == expected
    assert found.has_many


def test_read_texts_with_known_labels_cuts_none_of_them(read: Any) -> None:
    content = 'text,label\na,"Doe, John"\nb,y\n'
    known = read("x.csv", 'text,label\na,"Doe, John|y"\nb,y\n', labels="many")
    labels = {label for row in known.rows for label in row.labels}
    assert labels == {"Doe, John", "y"}
    assert pairs(read("x.csv", content, labels="many", known_labels=labels)) == [
        ("a", "Doe, John"),
        ("b", "y"),
    ]


def test_read_texts_whose_first_row_may_be_a_header_says_how_it_was_read_and_what_overrules(
    read: Any,
) -> None:
    rows = "".join(f"flight {n} was quite ok\t{'neutral' if n % 2 else 'negative'}\n" for n in range(10))
    found = read("x.tsv", f"nice film\tpositive\n{rows}")
    assert pairs(found)[0] == ("nice film", "positive")
    assert found.notes == (
        "x.tsv: no header; text from column 1, label from column 2",
        "x.tsv: read the first row as data; if it is a header: --text-column 'nice film'",
    )
    assert len(read("x.tsv", f"nice film\tpositive\n{rows}", text_column="nice film").rows) == 10


def test_read_texts_one_label_with_a_comma_in_it_stays_one(read: Any) -> None:
    found = read("x.csv", 'text,label\na,"Food, drink"\nb,Other\n')
    assert pairs(found) == [("a", "Food, drink"), ("b", "Other")]


def answer(text: str, label: str, answer: str) -> dict[str, str]:
    return {"text": text, "label": label, "answer": answer}


@pytest.mark.parametrize(
    ("rows", "labels", "expected", "note"),
    [
        (
            [answer("a", "X", "accept"), answer("b", "X", "reject"), answer("c", "X", "ignore")],
            "one",
            [("a", "X"), ("b", "not X")],
            "rows answered 'reject' have the label 'not X'",
        ),
        (
            [answer("a", "X", "accept"), answer("a", "Y", "reject"), answer("b", "Y", "accept")],
            "one",
            [("a", "X"), ("b", "Y")],
            "1 row answered 'reject' left out: they name no class",
        ),
        (
            [answer("a", "X", "accept"), answer("a", "Y", "accept"), answer("b", "Y", "reject")],
            "many",
            [("a", "X", "Y"), ("b",)],
            "3 rows joined into 2 texts",
        ),
        (
            [
                {"text": "a", "options": [{"id": "X"}, {"id": "Y"}], "accept": ["X"], "answer": "accept"},
                {"text": "b", "options": [{"id": "X"}, {"id": "Y"}], "accept": [], "answer": "reject"},
            ],
            "one",
            [("a", "X")],
            "1 row answered 'reject' left out",
        ),
    ],
)
def test_read_texts_of_annotators_answers_follows_them(
    read: Any, rows: Any, labels: Any, expected: Any, note: str
) -> None:
    found = read("x.jsonl", rows, labels=labels)
    assert found.format == "prodigy"
    assert pairs(found) == expected
    assert f"x.jsonl: {note}" in found.notes


def test_read_texts_empty_ones_are_left_out_and_counted(read: Any, tmp_path: Path) -> None:
    found = read("x.csv", "text,label\n,pos\na b,neg\n  ,pos\n")
    assert pairs(found) == [("a b", "neg")]
    assert found.warnings == (f"{tmp_path / 'x.csv'}:2: left out 2 rows with an empty text",)


@pytest.mark.parametrize(
    ("name", "content", "line", "message", "hint"),
    [
        ("x.csv", "text,label\na,pos\nb,\nc, \n", 3, "2 rows have no label in 'label', this is the first", "Give every"),
        ("x.jsonl", '{"text": "a", "label": "x"}\n{"text": "b"}', 2, "1 row has no label in 'label'", "Give every"),
        ("x.csv", "text\na\nb\n", None, "no column with labels", "--label-column NAME. Columns there are: text"),
        ("x.csv", "label\na\nb\n", None, "no column with texts", "--text-column NAME. Columns there are: label"),
        ("x.csv", "text,label\n,pos\n", None, "all texts are empty", "--text-column"),
        ("x.txt", "This is no label.\nAnd so is this.\n", None, "no form that is known", "--format lines"),
        ("x.jsonl", '{"text": ["a"], "label": 1}', 1, "expected a string in 'text', found a list", "--text-column"),
        ("x.jsonl", '{"text": "a", "label": [[0, 1, "P"]]}', 1, "labels are spans", "envkit run ner"),
        ("x.jsonl", '{"text": "a", "label": {"x": 7}}', 1, "a number from 0 to 1 for each class, found 7", "--label-column"),
        ("x.jsonl", '{"text": "a", "label": {"x": "y"}}', 1, "found a string for 'x'", "--label-column"),
        ("x.txt", "__label__ a b\n", 1, "no label after __label__", "__label__positive"),
    ],
)  # fmt: skip
def test_read_texts_of_what_cannot_be_learned_from_says_where_and_what_to_do(
    read: Any, name: str, content: str, line: int | None, message: str, hint: str
) -> None:
    with pytest.raises(DataError) as raised:
        read(name, content)
    assert raised.value.line == line
    assert message in raised.value.message
    assert hint in (raised.value.hint or "")


def test_read_texts_of_labels_that_are_all_but_unique_is_refused_unless_asked_for(read: Any) -> None:
    content = "text,label,kind\n" + "".join(f"some text {n},id{n},{n % 3}\n" for n in range(40))
    with pytest.raises(DataError, match="'label' holds no classes: 40 different labels in 40 rows") as raised:
        read("x.csv", content)
    assert raised.value.hint == (
        "Name the column of the labels: --label-column NAME. Columns there are: text, label, kind"
    )
    assert len(read("x.csv", content, label_column="label").rows) == 40
    assert len({row.labels for row in read("x.csv", content, label_column="kind").rows}) == 3


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"text_column": "nope"}, "there is no column 'nope'"),
        ({"label_column": "3"}, "there is no column '3'"),
        ({"text_column": "text", "label_column": "1"}, "--text-column and --label-column both name"),
        ({"format": "conll"}, "the format 'conll' holds no labelled texts"),
        ({"format": "prodigy"}, "x.csv"),
        ({"encoding": "klingon"}, "no encoding 'klingon'"),
    ],
)
def test_read_texts_with_an_option_that_does_not_fit_says_so(read: Any, options: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        read("x.csv", "text,label\na,pos\n", **options)


@pytest.mark.parametrize("options", [{}, {"format": "folder"}])
def test_read_texts_of_a_folder_a_class_names_rows_by_their_files(tmp_path: Path, options: Any) -> None:
    for name, text in (
        ("pos/1.txt", "nice\n"),
        ("neg/2.txt", "bad\n"),
        ("neg/3.txt", ""),
        ("unsup/1.txt", "x"),
    ):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    (tmp_path / "neg" / "4.txt.gz").write_bytes(gzip.compress(b"poor"))
    (tmp_path / "README").write_text("about")
    found = read_texts(tmp_path, **options)
    assert [(row.text, row.labels, row.name) for row in found.rows] == [
        ("bad", ("neg",), "neg/2.txt"),
        ("poor", ("neg",), "neg/4.txt.gz"),
        ("nice", ("pos",), "pos/1.txt"),
    ]
    assert found.notes == (f"{tmp_path.name}: the label is the folder of each file (neg, pos)",)
    assert [warning.partition(": ")[2] for warning in found.warnings] == [
        "left out 1 row with an empty text",
        "left out unsup/, as texts without a label",
    ]


def test_read_texts_of_a_folder_with_no_classes_says_what_was_expected(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="holds no folders") as raised:
        read_texts(tmp_path, format="folder")
    assert "positive/1.txt" in (raised.value.hint or "")


WORDS = st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=8)


@given(rows=st.lists(st.tuples(WORDS, st.sampled_from(["pos", "neg"])), min_size=1, max_size=12))
def test_read_texts_of_json_lines_gives_every_text_with_its_label(
    shared_dir: Path, rows: list[tuple[str, str]]
) -> None:
    file = shared_dir / "x.jsonl"
    file.write_text("\n".join(json.dumps({"text": text, "label": label}) for text, label in rows))
    assert pairs(read_texts(file)) == rows


REAL = [
    ("sst2/dev.tsv", {}, "tsv", 6735, {"1": 3741, "0": 2994}),
    ("sst5/train.txt", {}, "lines", 8544, {"3": 2322, "1": 2218, "2": 1624, "4": 1288, "0": 1092}),
    ("trec/test.txt", {}, "lines", 500, {"DESC:def": 123}),
    ("trec/train.txt", {"encoding": "ISO-8859-1"}, "lines", 5452, {"HUM:ind": 962}),
    ("agnews/train.tsv", {}, "tsv", 10001, {"Sci/Tech": 2538, "World": 2509, "Business": 2496, "Sports": 2458}),
    ("imdb/train.jsonl", {}, "jsonl", 2000, {"positive": 1000, "negative": 1000}),
    ("prodigy/textcat_docs_issues.jsonl", {}, "jsonl", 500, {"OTHER": 335, "DOCUMENTATION": 165}),
    ("prodigy/multilabel_cooking.jsonl", {}, "jsonl", 2000, {"OTHER": 1893, "baking": 174}),
]  # fmt: skip


@pytest.mark.parametrize(("name", "options", "format", "rows", "counts"), REAL)
def test_read_texts_of_real_data_needs_no_option_but_an_encoding(
    real_data: Path, name: str, options: Any, format: str, rows: int, counts: dict[str, int]
) -> None:
    found = read_texts(real_data / name, **options)
    seen = Counter(label for row in found.rows for label in row.labels)
    assert (found.format, len(found.rows), found.warnings) == (format, rows, ())
    assert {label: seen[label] for label in counts} == counts
    assert found.has_many is ("multilabel" in name)


def test_read_texts_of_real_data_in_another_encoding_names_byte_line_and_the_way_out(real_data: Path) -> None:
    with pytest.raises(DataError) as raised:
        read_texts(real_data / "trec" / "train.txt")
    assert raised.value.line == 66
    assert "byte 0xf0 at offset 3695" in raised.value.message
    assert raised.value.hint == "If it is ISO-8859-1: --encoding ISO-8859-1"
