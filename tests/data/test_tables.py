from __future__ import annotations

import csv
import io
import json
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envkit.api import DataError
from envkit.data.delimited import parse_delimited
from envkit.data.lacking import install_command
from envkit.data.parquet import data_extras
from envkit.data.tables import RecordTable, parse_table, read_table

MANY = [
    f"{word} {number},{label}" for number in range(5) for word, label in (("good", "pos"), ("bad", "neg"))
]


def table(text: str, name: str = "x.csv", **options: Any) -> RecordTable:
    return parse_table(text, file=Path(name), **options)


@pytest.mark.parametrize(
    ("name", "text", "format", "columns", "rows"),
    [
        ("x.csv", "text,label\na,1\n", "csv", "text label", [["a", "1"]]),
        ("x.csv", "text;label\na, b;1\nc;0\n", "csv", "text label", [["a, b", "1"], ["c", "0"]]),
        ("x.txt", "text;label\na, b;1\nc;0\n", "csv", "text label", [["a, b", "1"], ["c", "0"]]),
        ("x.csv", "text|label\na, b|1\n", "csv", "text label", [["a, b", "1"]]),
        ("x.csv", "text\tlabel\na, b\t1\n", "tsv", "text label", [["a, b", "1"]]),
        ("x.tsv", "a film\tgood\nb\tbad\n", "tsv", "1 2", [["a film", "good"], ["b", "bad"]]),
        ("x.csv", '"a ""b"",\nc",1\nd,0\n', "csv", "1 2", [['a "b",\nc', "1"], ["d", "0"]]),
        ("x.csv", '"a\nb",1\n"c",2\n', "csv", "1 2", [["a\nb", "1"], ["c", "2"]]),
        ("x.tsv", '" a\t1\nb "\t0\n', "tsv", "1 2", [['" a', "1"], ['b "', "0"]]),
        ("x.tsv", '"a ""b"""\t1\nc\t0\n', "tsv", "1 2", [['a "b"', "1"], ["c", "0"]]),
        ("x.tsv", '"a ""b"""\t1\n\n\nc\t0\n', "tsv", "1 2", [['a "b"', "1"], ["c", "0"]]),
        ("x.tsv", 'a "b" c\t1\n"d\t0\n', "tsv", "1 2", [['a "b" c', "1"], ['"d', "0"]]),
        ("x.csv", "text,label\r\na,1\r\n\r\nb,0\r\n", "csv", "text label", [["a", "1"], ["b", "0"]]),
        ("x.jsonl", '{"a": 1}\n\n{"b": [2]}\n', "jsonl", "a b", [[1, None], [None, [2]]]),
        ("x.txt", '{"a": 1}\n', "jsonl", "a", [[1]]),
        ("x.json", '[{"a": 1},\n{"a": null}]', "json", "a", [[1], [None]]),
        ("x.json", '[\n  {\n    "a": 1\n  }\n]\n', "json", "a", [[1]]),
    ],
)
def test_parse_table_of_any_form_gives_columns_and_rows(
    name: str, text: str, format: str, columns: str, rows: list[list[Any]]
) -> None:
    found = table(text, name)
    assert (found.format, list(found.columns)) == (format, columns.split())
    assert [list(row) for row in found.rows] == rows


@pytest.mark.parametrize(
    ("first", "is_header"),
    [
        ("text,label", True),
        ("Review,Sentiment", True),
        ("utterance_2,kind of thing", True),
        ("good 9,pos", False),
        ("a new text!,mixed", False),
        ("text 7,neg", False),
        ("1,2", False),
    ],
)
def test_parse_table_tells_a_header_from_a_first_row(first: str, is_header: bool) -> None:
    found = table("\n".join([first, *MANY]))
    assert found.has_header is is_header
    assert len(found.rows) == len(MANY) + (not is_header)


SENTENCES = [f"we went out {n},{'ham' if n % 3 else 'spam'}" for n in range(30)]


@pytest.mark.parametrize(
    "first",
    [
        "text,Is it spam?",
        "1st text,label",
        "Please rate how satisfied you were with our service today overall,label",
        "v1,v2",
        "what_was_said,what",
        "Phrase,Mood",
        "Phrase Text,Kind",
        ",label",
        "text,",
        "label,label",
        "text,2020",
    ],
)
def test_parse_table_knows_a_header_of_any_names(first: str) -> None:
    found = table("\n".join([first, *SENTENCES]))
    assert found.has_header
    assert len(found.rows) == len(SENTENCES)
    assert len(set(found.columns)) == 2


@pytest.mark.parametrize(
    ("first", "is_in_doubt"),
    [
        ("we stayed at home,eggs", True),
        ("a bad text,eggs", True),
        ("text,ham", False),
        ("review,ham", False),
        ("Great!,eggs", True),
        ("what is that,question", True),
        ("what is that,n/a", False),
        ("we went out 3,spam", False),
    ],
)
def test_parse_table_leaves_no_row_of_data_out_and_tells_of_doubt(first: str, is_in_doubt: bool) -> None:
    found = table("\n".join([first, *SENTENCES]))
    assert not found.has_header
    assert len(found.rows) == len(SENTENCES) + 1
    assert found.is_in_doubt is is_in_doubt


def test_parse_table_of_few_rows_keeps_a_single_word_with_a_class_of_its_own() -> None:
    found = table("\n".join(["Great,eggs", *SENTENCES[:10]]))
    assert (found.has_header, found.is_in_doubt) == (False, True)


def test_parse_table_with_words_above_numbers_takes_them_for_a_header() -> None:
    assert table("Title here,Stars given\nall good,1\nall bad,0.5\nso so,7\n").has_header
    assert not table("all well,n/a\nall good,1\nall bad,0.5\nso so,7\n").has_header


def test_parse_table_with_a_class_under_two_names_keeps_its_only_row() -> None:
    rows = [f"we went out {n},{n % 2},{'ham' if n % 2 else 'spam'}" for n in range(10)]
    assert not table("\n".join(["we stayed,2,eggs", *rows])).has_header


def test_parse_table_with_empty_and_doubled_names_numbers_them() -> None:
    found = table("text,text,,label,label\n" + "a,b,c,0,1\n" * 4)
    assert found.columns == ("text", "2", "3", "label", "5")
    assert table(",text,1\na,b,c\n").columns == ("column 1", "text", "1")


@pytest.mark.parametrize(
    ("rows", "cells"),
    [
        (["Well, a film;neg", "Well, a play;pos"], ["Well, a film", "neg"]),
        (["Well,a film;neg", "So,a play;pos", "But,a show;neg", "Yes,all;pos"], ["Well,a film", "neg"]),
        (["1;all good;3,5;x", "2;all bad;4,5;y", "3;so so;1,0;x"], ["1", "all good", "3,5", "x"]),
        (["a; b,neg", "c; d,pos", "e; f,neg", "g; h,pos"], ["a; b", "neg"]),
        (["a, neg", "b, pos"], ["a", " neg"]),
    ],
)
def test_parse_table_with_several_delimiters_that_fit_takes_the_likeliest(
    rows: list[str], cells: list[str]
) -> None:
    assert table("\n".join(rows)).rows[0] == cells


def test_parse_table_with_a_named_column_takes_its_row_for_a_header() -> None:
    assert not table("so,what\na,b\n").has_header
    assert table("so,what\na,b\n", named=["what"]).has_header


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("text,label\na,1\n\nb,0\n", ["x.csv:2", "x.csv:4"]),
        ('text,label\n"a\n\nb",1\nc,0\n', ["x.csv:2", "x.csv:5"]),
    ],
)
def test_parse_table_names_rows_after_their_first_lines(text: str, names: list[str]) -> None:
    assert list(table(text).names) == names


@pytest.mark.parametrize(
    ("name", "text", "line", "message", "hint"),
    [
        (
            "x.csv",
            "text,label\na,1\nb, c,0\n",
            3,
            "3 cells separated by commas, expected 2",
            'in quotes: "a, b"',
        ),
        ("x.tsv", "text\tlabel\na\n", 2, "1 cell separated by tabs, expected 2", "sed -n 2p"),
        ("x.csv", 'text,label\n"x\ny",0\n"a,1\nb,c,d\n', 4, "quotes of the row that begins here", "doubled"),
        ("x.jsonl", '{"a": 1}\n{"a": \n', 2, "no whole JSON object", "sed -n 2p"),
        ("x.jsonl", '{"a": 1}\n[2]\n', 2, "expected a JSON object, found a list", "A line reads"),
        ("x.json", '[{"a": 1}, 2]', None, "found a number as its element 2", "An element reads"),
        ("x.json", '[{"a": 1}', None, "no whole JSON array", "json.tool"),
        ("x.json", '{\n "rows": [{"a": 1}]\n}', None, "expected a JSON array", "jq -c '.rows[]'"),
        (
            "x.json",
            '{"rows": [{"a": 1}, {"a": 2}]}',
            None,
            "what may be the rows in 'rows'",
            "jq -c '.rows[]'",
        ),
        ("x.csv", "text,label\n", None, "a header and no rows", "holds data"),
        ("x.txt", "No table.\nJust a text, that is all.\n", None, "is no table", "on each line"),
    ],
)
def test_parse_table_of_what_is_none_says_where_and_what_to_do(
    name: str, text: str, line: int | None, message: str, hint: str
) -> None:
    with pytest.raises(DataError) as raised:
        table(text, name)
    assert raised.value.line == line
    assert message in raised.value.message
    assert hint in (raised.value.hint or "")


def test_parse_table_of_a_format_that_is_named_looks_for_no_other() -> None:
    assert table("a,b\tc\nd,e\tf\n", "x.csv", format="tsv").rows == [["a,b", "c"], ["d,e", "f"]]
    with pytest.raises(DataError, match="'squad', which is no table"):
        table("a", format="squad")


CELLS = st.text(st.characters(exclude_categories=["Cs", "Cc"], include_characters="\n\t,;\"'"), max_size=12)
ROWS = st.lists(st.tuples(CELLS, CELLS), min_size=1, max_size=8)


@given(rows=ROWS, line_end=st.sampled_from(["\n", "\r\n"]))
def test_parse_delimited_reads_what_the_csv_module_quotes_where_it_must(
    rows: list[tuple[str, str]], line_end: str
) -> None:
    written = io.StringIO()
    writer = csv.writer(written, lineterminator=line_end)
    writer.writerows([("text", "label"), *rows])

    found = parse_delimited(written.getvalue(), delimiter=",", file=Path("x.csv"), named=["text"])

    assert list(map(tuple, found.rows)) == rows


@given(rows=ROWS)
def test_parse_table_reads_what_the_csv_module_writes(rows: list[tuple[str, str]]) -> None:
    written = io.StringIO()
    writer = csv.writer(written, quoting=csv.QUOTE_ALL, lineterminator="\n")
    writer.writerows([("text", "label"), *rows])
    assert list(map(tuple, table(written.getvalue(), format="csv").rows)) == rows


@given(rows=st.lists(st.dictionaries(st.sampled_from(["a", "b", "c"]), CELLS, min_size=1), min_size=2))
def test_parse_table_reads_what_json_writes(rows: list[dict[str, str]]) -> None:
    found = table("\n".join(map(json.dumps, rows)), "x.jsonl")
    assert [
        {key: cell for key, cell in zip(found.columns, row, strict=True) if cell is not None}
        for row in found.rows
    ] == rows


def test_read_table_of_parquet_without_pyarrow_says_how_to_add_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "x.bin"
    file.write_bytes(b"PAR1 and so on")
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(DataError, match="pyarrow") as raised:
        read_table(file)
    assert sys.executable in raised.value.message
    assert raised.value.hint == install_command("pyarrow")


def test_read_table_of_parquet_that_is_not_there_says_so(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="there is no such file"):
        read_table(tmp_path / "x.parquet")


def write_parquet(file: Path, columns: dict[str, list[Any]]) -> None:
    from pyarrow import parquet
    from pyarrow import table as arrow_table

    parquet.write_table(arrow_table(columns), file)


@pytest.mark.torch
def test_read_table_of_parquet_gives_its_values(tmp_path: Path) -> None:
    file = tmp_path / "train-00000-of-00001.parquet"
    write_parquet(file, {"text": ["a", "b"], "label": [1, 0], "tags": [["x"], []]})
    found = read_table(file)
    assert (found.format, found.columns) == ("parquet", ("text", "label", "tags"))
    assert list(found.rows) == [("a", 1, ["x"]), ("b", 0, [])]
    assert list(found.names) == [f"{file.name}:1", f"{file.name}:2"]


@pytest.mark.torch
def test_read_table_of_broken_parquet_says_so(tmp_path: Path) -> None:
    file = tmp_path / "x.parquet"
    file.write_bytes(b"PAR1 and then nothing")
    with pytest.raises(DataError, match="this Parquet file cannot be read"):
        read_table(file)


@pytest.mark.parametrize(
    ("name", "content", "extras"),
    [("a.csv", b"a,b", set()), ("a.bin", b"PAR1...", {"parquet"}), ("a.parquet", b"PAR1", {"parquet"})],
)
def test_data_extras_of_files_and_their_folder_are_what_reading_them_needs(
    tmp_path: Path, name: str, content: bytes, extras: set[str]
) -> None:
    (tmp_path / name).write_bytes(content)
    assert data_extras([tmp_path / name]) == extras
    assert data_extras([tmp_path]) == (extras if name.endswith(".parquet") else set())
