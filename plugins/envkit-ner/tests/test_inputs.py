from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any, cast

import pytest

from envkit.api import DataError, Inputs
from envkit.data.text import STANDARD_INPUT
from envkit_ner.inputs import Untagged, are_columns, stream_documents

if TYPE_CHECKING:
    from pathlib import Path


def rows_of(inputs: Inputs, **options: Any) -> list[Untagged]:
    return [row for document in stream_documents(inputs, **options) for row in document]


def words_of(inputs: Inputs, **options: Any) -> list[str]:
    return [" ".join(row.sentence.words) for row in rows_of(inputs, **options)]


@pytest.mark.parametrize(
    ("content", "is_columns"),
    [
        ("Ada\nwrote\n\nRome\n", True),
        ("Ada\nwrote\n.\n", True),
        ("\n\n# one = 1\nAda\nwrote\n.\n", True),
        ("Ada NN\nwrote VB\nit PRP\n\n", True),
        ("Ada NN B-PER\nwrote VB O\n", True),
        ("1\tAda\tPROPN\n2\twrote\tVERB\n3\t.\tPUNCT\n\n", True),
        ("-DOCSTART- -X-\n\nAda NN\n", True),
        ("Ada PRP$ x\nwrote VB y\nit PRP z\n\nRome NNP x\nfell VBD y\n", True),
        ("1 Ada\n2 wrote\n3 it\n\n1 Rome\n2 fell\n", True),
        ("Ada\tx\nwrote\ty\nit\tz\n\n", True),
        ("O O\n\nB-52 B-X\n", True),
        (
            "Ada visits Turin today\nBob leaves Paris tomorrow\nCy likes Rome much\n\nDee and Eve sing\n",
            False,
        ),
        ("Ada visits Turin\nBob leaves Paris\nCy likes Rome\n\nDee sings\n", False),
        ("Then I left\nSo I went\nNow I sleep\n\n", False),
        ("I LIKE ROME\nBOB LIKES PARIS\nCY LIKES YORK\n\n", False),
        ("1 cup flour\n2 eggs beaten\n3 spoons sugar\n\n4 cups milk\n", False),
        ("We drove along I-95", False),
        ("Ada\nRome\nBerlin\n", False),  # a list of names
        ("Ada wrote it.\n\nRome is old.\n", False),
        ("Ada wrote.\nRome fell.\n", False),
        ("id\ttext\n1\tAda wrote\n", False),
        ('{"text": "Ada"}\n', False),
        ("One line of text", False),
        ("", False),
    ],
)
def test_are_columns_tells_words_from_texts_and_tables(content: str, is_columns: bool) -> None:
    assert are_columns(content.splitlines()) == is_columns


CONTENTS = {
    "columns": "Ada\nwrote\n.\n\nRome\nfell\n.\n",
    "columns with more": "# id = 1\n1\tAda\tNN\n2\twrote\tVB\n3\t.\t.\n\n# id = 2\n1\tRome\tNN\n2\tfell\tVB\n3\t.\t.\n",
    "lines": "Ada wrote.\n\nRome fell.\n",
    "texts in JSONL": '{"text": "Ada wrote."}\n{"text": "Rome fell."}\n',
    "tokens in JSONL": '{"tokens": ["Ada", "wrote", "."]}\n\n{"tokens": ["Rome", "fell", "."]}\n',
    "an array": '[{"text": "Ada wrote."},\n {"text": "Rome fell."}]',
    "a table": "id\ttext\n1\tAda wrote.\n2\tRome fell.\n",
}


@pytest.mark.parametrize("content", CONTENTS.values(), ids=CONTENTS)
def test_stream_documents_of_any_layout_gives_the_same_words(tmp_path: Path, content: str) -> None:
    file = tmp_path / "some.data"
    file.write_text(content, encoding="utf-8")
    assert words_of(Inputs(file=file)) == ["Ada wrote .", "Rome fell ."]


@pytest.mark.parametrize(
    "kind", ["columns", "columns with more", "lines", "texts in JSONL", "tokens in JSONL"]
)
def test_stream_documents_of_standard_input_gives_what_a_file_gives(kind: str) -> None:
    given = io.BufferedReader(cast("Any", io.BytesIO(CONTENTS[kind].encode())))
    inputs = Inputs(file=STANDARD_INPUT)
    assert words_of(inputs, standard_input=given) == ["Ada wrote .", "Rome fell ."]


def test_stream_documents_of_typed_texts_gives_each_in_order() -> None:
    rows = rows_of(Inputs(texts=["Ada wrote.", "", "Rome"]))
    assert [row.sentence.words for row in rows] == [("Ada", "wrote", "."), (), ("Rome",)]
    assert [row.sentence.text for row in rows] == ["Ada wrote.", "", "Rome"]
    assert rows[0].sentence.offsets == ((0, 3), (4, 9), (9, 10))


def test_stream_documents_of_json_keeps_the_other_fields_and_the_words_given(tmp_path: Path) -> None:
    file = tmp_path / "some.jsonl"
    tokens = [{"text": "Ada", "start": 0, "end": 3}, {"text": "-1", "start": 3, "end": 5}]
    file.write_text(
        json.dumps({"id": 7, "text": "Ada-1", "tokens": tokens}) + '\n{"tokens": ["a b", ""], "x": 1}'
    )
    first, second = rows_of(Inputs(file=file))
    assert (first.sentence.words, first.given["id"], first.has_words) == (("Ada", "-1"), 7, False)
    assert (second.sentence.words, second.given["x"], second.has_words) == (("a b", ""), 1, True)
    assert first.name.endswith("some.jsonl:1")


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        ('{"txt": "a"}', "no 'text' and no list of 'tokens'; the row has 'txt'"),
        ('{"text": 3}', "'text' to be a string, found a number"),
        ('{"tokens": "a"}', "no 'text' and no list"),
        ('{"text": "a", "tokens": ["b"]}', "the token 'b' is not in the text"),
    ],
)
def test_stream_documents_of_a_bad_row_names_it_after_those_before(
    tmp_path: Path, row: str, problem: str
) -> None:
    file = tmp_path / "some.jsonl"
    file.write_text(f'{{"text": "a"}}\n{row}\n')
    documents = stream_documents(Inputs(file=file))
    assert next(documents)
    with pytest.raises(DataError, match=problem) as raised:
        next(documents)
    assert "some.jsonl:2" in raised.value.message


@pytest.mark.parametrize("first", ["3 men", "NEWS:old men", "EU men, Bo and Cy"])
def test_stream_documents_of_texts_that_begin_alike_are_not_robbed_of_a_label(
    tmp_path: Path, first: str
) -> None:
    file = tmp_path / "some.txt"
    texts = [f"{first} went to {town}." for town in ("Rome", "York", "Bath", "Leeds", "Hull")]
    file.write_text("\n".join(texts))
    assert [row.sentence.text for row in rows_of(Inputs(file=file))] == texts


def test_stream_documents_with_context_keeps_sentences_of_a_document_together(tmp_path: Path) -> None:
    file = tmp_path / "some.data"
    file.write_text("x\ny\n\nz\n\n-DOCSTART-\n\na\n\nb\n\n-DOCSTART-\n\nc\n")
    inputs = Inputs(file=file)
    documents = [
        [row.sentence.words[0] for row in document] for document in stream_documents(inputs, has_context=True)
    ]
    assert documents == [["x"], ["z"], ["a", "b"], ["c"]]
    assert all(len(document) == 1 for document in stream_documents(inputs))


@pytest.mark.parametrize(("word_column", "words"), [(None, "Ada"), (2, "NN"), (3, "B-PER"), (9, "Ada")])
def test_stream_documents_takes_the_word_column_of_the_training_where_there_is_one(
    tmp_path: Path, word_column: int | None, words: str
) -> None:
    file = tmp_path / "some.data"
    file.write_text("Ada NN B-PER\nwrote VB O\n")
    (row,) = rows_of(Inputs(file=file), word_column=word_column)
    assert row.sentence.words[0] == words


def test_stream_documents_of_one_column_said_to_be_conll_is_read_as_words(tmp_path: Path) -> None:
    file = tmp_path / "some.data"
    file.write_text("Ada\nRome\n")
    assert words_of(Inputs(file=file)) == ["Ada", "Rome"]
    assert words_of(Inputs(file=file, format="conll")) == ["Ada Rome"]


def test_stream_documents_of_plain_lines_of_one_length_keeps_every_word(tmp_path: Path) -> None:
    file = tmp_path / "some.txt"
    file.write_text("Ada visits Turin today\nBob leaves Paris soon\nCy likes Rome much\n\nDee and Eve sing\n")
    assert words_of(Inputs(file=file)) == [
        "Ada visits Turin today",
        "Bob leaves Paris soon",
        "Cy likes Rome much",
        "Dee and Eve sing",
    ]


def test_stream_documents_in_an_encoding_that_is_none_says_so(tmp_path: Path) -> None:
    file = tmp_path / "some.txt"
    file.write_text("Ada wrote.\n")
    with pytest.raises(DataError, match="there is no encoding 'nonsense'"):
        rows_of(Inputs(file=file, encoding="nonsense"))
