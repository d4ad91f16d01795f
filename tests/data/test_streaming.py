from __future__ import annotations

import gzip
import io
import itertools
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envkit.api import DataError, Inputs
from envkit.data.streaming import Record, in_batches, stream_records

if TYPE_CHECKING:
    from collections.abc import Iterator

STANDARD_INPUT = Inputs(file=Path("-"))


def values(records: Any) -> list[dict[str, Any]]:
    return [record.values for record in records]


def test_stream_records_of_typed_texts_gives_each() -> None:
    records = list(stream_records(Inputs(texts=("a, b", "c"))))
    assert values(records) == [{"text": "a, b"}, {"text": "c"}]
    assert [record.name for record in records] == ["text:1", "text:2"]


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("x.txt", "A text, so to say.\n\nAnother\tone.\n", [("text", "A text, so to say."), ("text", "Another\tone.")]),
        ("x.csv", 'id,text\n1,"a, b"\n2,"c\nd"\n', [("id", "1", "text", "a, b"), ("id", "2", "text", "c\nd")]),
        ("x.txt", "id,text\n1,a\n", [("id", "1", "text", "a")]),
        ("x.csv", "sentence\na b\n", [("sentence", "a b")]),
        ("x.csv", "so good\nso bad\n", [("text", "so good"), ("text", "so bad")]),
        ("x.tsv", "pos\ta text\nneg\tb text\n", [("1", "pos", "text", "a text"), ("1", "neg", "text", "b text")]),
        ("x.tsv", '" a\t1\n"b ""c"""\t0\n', [("text", '" a', "2", "1"), ("text", 'b "c"', "2", "0")]),
        ("x.jsonl", '{"id": 1, "text": "a"}\n\n{"n": [2]}\n', [("id", 1, "text", "a"), ("n", [2])]),
        ("x.json", '[{"text": "a"},\n{"text": "b"}]', [("text", "a"), ("text", "b")]),
        ("x.txt", "3 a\n1 b\n" * 6, [("text", "3 a"), ("text", "1 b")] * 6),
        ("x.txt", "__label__x a\n" * 6, [("text", "__label__x a")] * 6),
        ("x.csv", "Well, a;1\nWell, b;0\n", [("text", "Well, a", "2", "1"), ("text", "Well, b", "2", "0")]),
        ("x.txt", "3 men\n12 cats\n3 hens\n1 dog\n", [("text", t) for t in ("3 men", "12 cats", "3 hens", "1 dog")]),
        ("x.txt", "", []),
    ],
)  # fmt: skip
def test_stream_records_of_a_file_gives_what_its_form_holds(
    tmp_path: Path, name: str, content: str, expected: list[tuple[Any, ...]]
) -> None:
    packed = tmp_path / f"{name}.gz"
    packed.write_bytes(gzip.compress(content.encode()))
    plain = tmp_path / name
    plain.write_text(content)
    for file in (plain, packed):
        assert values(stream_records(Inputs(file=file))) == [
            dict(zip(row[::2], row[1::2], strict=True)) for row in expected
        ]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("A text, so to say.\nAnother.\n", [{"text": "A text, so to say."}, {"text": "Another."}]),
        ("a plain, text\nanother\n", [{"text": "a plain, text"}, {"text": "another"}]),
        ('text,id\n"a, b\nc",1\n', [{"text": "a, b\nc", "id": "1"}]),
        ("pos\ta text\n", [{"1": "pos", "text": "a text"}]),
        ('{"text": "a"}\n{"text": "b"}\n', [{"text": "a"}, {"text": "b"}]),
        ('[{"text": "a"},\n{"text": "b"}]\n', [{"text": "a"}, {"text": "b"}]),
        ("3 eggs\n1 egg\n3 eggs\n1 egg\n", [{"text": f"{n} egg{'s' * (n > 1)}"} for n in (3, 1, 3, 1)]),
        ("", []),
    ],
)
def test_stream_records_of_standard_input_goes_by_the_first_line(
    content: str, expected: list[dict[str, str]]
) -> None:
    source = io.BytesIO(content.encode())
    assert values(stream_records(STANDARD_INPUT, standard_input=source)) == expected


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("Rome is\n\nParis\n", ["1 blank line was left out of stdin"]),
        ("\nRome is\n \t\nParis\n\n", ["3 blank lines were left out of stdin"]),
        ("Rome is\nParis", []),
    ],
)
def test_stream_records_of_lines_tells_at_the_end_how_many_were_blank(content: str, told: list[str]) -> None:
    said: list[str] = []
    source = io.BytesIO(content.encode())
    records = stream_records(STANDARD_INPUT, standard_input=source, tell=said.append)
    assert values(records) == [{"text": "Rome is"}, {"text": "Paris"}]
    assert said == told


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("A text.\n", "Another.\n"),
        ('{"text": "A text."}\n', '{"text": "Another."}\n'),
        ("text,id\nA text.,1\n", "Another.,2\n"),
        ("text\tid\nA text.\t1\n", "Another.\t2\n"),
    ],
)
def test_stream_records_of_standard_input_gives_a_line_before_the_next_comes(first: str, second: str) -> None:
    reading, writing = os.pipe()
    with os.fdopen(reading, "rb") as source, os.fdopen(writing, "wb", buffering=0) as sink:
        records = stream_records(STANDARD_INPUT, standard_input=source)  # type: ignore[arg-type]
        sink.write(first.encode())
        assert next(records).values["text"] == "A text."
        sink.write(second.encode())
        assert next(records).values["text"] == "Another."
        sink.close()
        assert next(records, None) is None


@pytest.mark.parametrize("source", ["file", "standard input"])
@pytest.mark.parametrize(
    ("header", "named", "columns"),
    [
        ("my words,what", ("my words", None), ("my words", "what")),
        ("my words,what", (None, "What"), ("my words", "what")),
        ("my words,what", ("2",), ("text", "2")),
    ],
)
def test_stream_records_with_columns_that_training_named_takes_their_row_for_a_header(
    tmp_path: Path, source: str, header: str, named: tuple[str | None, ...], columns: tuple[str, str]
) -> None:
    content = f"{header}\nsome more words,b\n"
    file = tmp_path / "x.csv"
    file.write_text(content)
    inputs = Inputs(file=file if source == "file" else Path("-"), format="csv")
    records = stream_records(inputs, named=named, standard_input=io.BytesIO(content.encode()))
    first = next(records)
    assert tuple(first.values) == columns
    assert first.name == ("x.csv:2" if "what" in columns else "x.csv:1") or source == "standard input"


def test_stream_records_of_a_large_table_judges_its_header_by_the_rows_below(tmp_path: Path) -> None:
    file = tmp_path / "x.csv"
    file.write_text("my_text,amount\n" + "".join(f"some more words {n},{n}\n" for n in range(5)))
    records = list(stream_records(Inputs(file=file), most_at_once=0))
    assert (len(records), records[0].values) == (5, {"my_text": "some more words 0", "amount": "0"})


def test_stream_records_in_another_encoding_gives_the_text(tmp_path: Path) -> None:
    for encoding in ("latin-1", "utf-16"):
        file = tmp_path / "x.txt"
        file.write_bytes("caf\xe9\nna\xefve\n".encode(encoding))
        records = stream_records(Inputs(file=file, encoding=encoding))
        assert values(records) == [{"text": "caf\xe9"}, {"text": "na\xefve"}]


@pytest.mark.parametrize(
    ("inputs", "content", "line", "message", "hint"),
    [
        ({}, b"ab\ncaf\xe9\n", 2, "byte 0xe9 at offset 6", "--encoding ISO-8859-1"),
        ({}, b'{"text": "a"}\n{"te\n', 2, "no whole JSON object", "sed -n 2p"),
        ({"format": "csv"}, b"text,id\na,1\nb\n", 3, "1 cell separated by commas, expected 2", "sed -n 3p"),
        ({"format": "csv"}, b'text,id\na,1\n"b,2\n', 3, "do not close", "doubled"),
        ({"format": "conll"}, b"EU B-ORG\n", None, "'conll' holds no texts", "--format lines"),
        ({"encoding": "klingon"}, b"a\n", None, "no encoding 'klingon'", "--encoding"),
    ],
)
def test_stream_records_that_break_off_say_where_after_what_came_before(
    inputs: dict[str, Any], content: bytes, line: int | None, message: str, hint: str
) -> None:
    records = stream_records(Inputs(file=Path("-"), **inputs), standard_input=io.BytesIO(content))
    with pytest.raises(DataError) as raised:
        list(records)
    assert raised.value.line == line
    assert message in raised.value.message
    assert hint in (raised.value.hint or "")


def test_stream_records_of_a_missing_file_says_what_is_there(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="there is no such file"):
        list(stream_records(Inputs(file=tmp_path / "x.txt")))


def test_stream_records_of_a_folder_a_class_gives_its_texts(tmp_path: Path) -> None:
    (tmp_path / "pos").mkdir()
    (tmp_path / "pos" / "1.txt").write_text("nice")
    (record,) = stream_records(Inputs(file=tmp_path))
    assert (record.values, record.name) == ({"text": "nice", "label": "pos"}, "pos/1.txt")


@pytest.mark.torch
def test_stream_records_of_parquet_gives_its_rows(tmp_path: Path) -> None:
    from pyarrow import parquet, table

    file = tmp_path / "x.parquet"
    parquet.write_table(table({"text": ["a", "b"], "n": [1, 2]}), file, row_group_size=1)
    records = list(stream_records(Inputs(file=file)))
    assert values(records) == [{"text": "a", "n": 1}, {"text": "b", "n": 2}]
    assert [record.name for record in records] == ["x.parquet:1", "x.parquet:2"]


@given(rows=st.lists(st.integers()), most=st.integers(1, 5))
def test_in_batches_gives_every_row_once_in_order(rows: list[int], most: int) -> None:
    batches = list(in_batches(iter(rows), most=most))
    assert list(itertools.chain(*batches)) == rows
    assert all(1 <= len(batch) <= most for batch in batches)


def test_in_batches_does_not_wait_for_more_than_there_is() -> None:
    may_go_on = threading.Event()

    def slow() -> Iterator[int]:
        yield 1
        assert may_go_on.wait(10)
        yield 2

    batches = in_batches(slow())
    assert next(batches) == [1]
    may_go_on.set()
    assert next(batches) == [2]


def test_in_batches_raises_what_the_reader_raises_after_what_came_before() -> None:
    def broken() -> Iterator[int]:
        yield 1
        raise DataError("no more", file="x.txt", line=2)

    given = []
    with pytest.raises(DataError, match="no more"):
        for batch in in_batches(broken()):
            given += batch
    assert given == [1]


def test_in_batches_reads_no_further_than_a_few_batches_ahead_and_stops_when_left() -> None:
    taken = itertools.count()
    seen: list[int] = []
    before = threading.active_count()
    batches = in_batches((seen.append(number) or number for number in taken), most=2)
    assert next(batches)
    batches.close()  # type: ignore[attr-defined]  # a generator, which whoever leaves it closes
    for thread in threading.enumerate():
        if thread is not threading.current_thread() and threading.active_count() > before:
            thread.join(2)
    assert threading.active_count() == before
    assert len(seen) < 20


def test_in_batches_of_an_endless_standard_input_lets_the_process_end() -> None:
    code = (
        "from pathlib import Path; from envkit.api import Inputs; "
        "from envkit.data.streaming import in_batches, stream_records; "
        "print(next(in_batches(stream_records(Inputs(file=Path('-')))))[0].values)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as child:
        assert child.stdin is not None
        child.stdin.write(b"hello\n")
        child.stdin.flush()
        assert child.wait(20) == 0
        assert child.stdout is not None
        assert child.stdout.read() == b"{'text': 'hello'}\n"


def test_record_shows_its_name_alone() -> None:
    assert repr(Record({"text": "secret"}, "x.csv:1")) == "Record(name='x.csv:1')"
