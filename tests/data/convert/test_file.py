from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from envkit.api import DataError
from envkit.data.convert.file import convert_file
from envkit.data.convert.questions import write_questions
from envkit.data.convert.texts import write_texts
from envkit.data.convert.words import write_sentences
from envkit.data.cut.units import Reading
from envkit.data.rows import Answer, Question, TextRow
from envkit.data.squad import read_questions
from envkit.data.tag_schemes import to_iob2
from envkit.data.texts import read_texts
from envkit.data.token_rows import Sentence, read_sentences

if TYPE_CHECKING:
    from pathlib import Path

REUSED = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
TEXT = st.text("ab ,;|'\"\n\r\t{}[]äé#-", min_size=1, max_size=30).filter(lambda text: bool(text.strip()))
LABELS = st.sampled_from(["yes", "no", "may be"])
WORDS = st.lists(st.text("aB,.#-é'’", min_size=1, max_size=8), min_size=1, max_size=8)


@REUSED
@given(
    rows=st.lists(st.tuples(TEXT, LABELS), min_size=3, max_size=12),
    to=st.sampled_from(["jsonl", "csv", "tsv"]),
)
def test_write_texts_reads_back_or_says_why_not(tmp_path: Path, rows: list[tuple[str, str]], to: str) -> None:
    made = [TextRow(text, (label,), f"x:{n}") for n, (text, label) in enumerate(rows)]
    file = tmp_path / f"back.{to}"
    try:
        file.write_bytes(write_texts(made, to=to).encode())
    except DataError as error:
        assert to != "jsonl"
        assert "--to jsonl" in (error.hint or "")
        return

    back = read_texts(file, text_column="text", label_column="label").rows

    assert [(row.text.strip(), row.labels) for row in back] == [
        (text.strip(), (label,)) for text, label in rows
    ]


@pytest.mark.parametrize(("to", "says"), [("jsonl", False), ("csv", True), ("tsv", True)])
def test_convert_of_several_labels_into_a_table_says_how_it_is_read(
    tmp_path: Path, to: str, says: bool
) -> None:
    file = tmp_path / "many.jsonl"
    file.write_text('{"text": "one", "label": ["a", "b"]}\n{"text": "two", "label": ["a"]}\n')

    notes = convert_file(file, Reading(), to=to).notes

    assert any("--multi-label" in note for note in notes) == says


@pytest.mark.parametrize("to", ["jsonl", "csv"])
def test_write_texts_with_several_labels_and_pairs_reads_back(tmp_path: Path, to: str) -> None:
    rows = [
        TextRow("one", ("a", "b"), "x:1", "first"),
        TextRow("two", ("a",), "x:2", "second"),
        TextRow("three", (), "x:3", "third"),
    ]
    file = tmp_path / f"back.{to}"
    file.write_text(write_texts(rows, to=to, has_many=True), encoding="utf-8")

    back = read_texts(file, labels="many").rows

    assert [(row.text, row.pair, row.labels) for row in back] == [(r.text, r.pair, r.labels) for r in rows]


def test_write_texts_with_a_lone_carriage_return_reads_back(tmp_path: Path) -> None:
    texts = ["one\rmore", "two", "three\r\nmore"]
    file = tmp_path / "back.csv"
    rows = [TextRow(text, ("x",), f"x:{n}") for n, text in enumerate(texts)]
    file.write_bytes(write_texts(rows, to="csv").encode())

    assert [row.text for row in read_texts(file).rows] == texts


@REUSED
@given(
    words=st.lists(WORDS, min_size=1, max_size=6),
    tags=st.lists(st.sampled_from(["O", "B-X", "I-X", "B-Y"]), min_size=60, max_size=60),
    to=st.sampled_from(["conll", "jsonl", "spans"]),
)
def test_write_sentences_reads_back(tmp_path: Path, words: list[list[str]], tags: list[str], to: str) -> None:
    sentences = [
        Sentence(tuple(each), to_iob2(tags[8 * n : 8 * n + len(each)]), 0, n) for n, each in enumerate(words)
    ]
    assume(any(tag != "O" for sentence in sentences for tag in sentence.tags))
    file = tmp_path / "back"
    file.write_text(write_sentences(sentences, to=to), encoding="utf-8")

    back = read_sentences(file).sentences

    assert [(each.words, each.tags) for each in back] == [(each.words, each.tags) for each in sentences]


def test_write_sentences_of_several_documents_marks_them(tmp_path: Path) -> None:
    sentences = [
        Sentence((word,), ("B-X",), document, 1) for word, document in (("a", 0), ("b", 1), ("c", 1))
    ]
    file = tmp_path / "back"
    file.write_text(write_sentences(sentences, to="conll"), encoding="utf-8")

    assert [each.document for each in read_sentences(file).sentences] == [0, 1, 1]


@pytest.mark.parametrize("word", ["", " ", "a\tb", "a\nb", " a", "-DOCSTART-"])
def test_write_sentences_with_a_word_that_columns_cannot_hold_says_so(word: str) -> None:
    with pytest.raises(DataError, match="columns cannot hold"):
        write_sentences([Sentence((word,), ("O",), 0, 3)], to="conll")


@REUSED
@given(
    words=st.lists(st.text("ab\u2028\ufeff\xa0 ", min_size=1, max_size=3), min_size=1, max_size=4),
    tags=st.lists(st.sampled_from(["O", "B-X"]), min_size=4, max_size=4),
)
def test_write_sentences_as_spans_reads_back_or_says_why_not(
    tmp_path: Path, words: list[str], tags: list[str]
) -> None:
    assume("B-X" in tags[: len(words)])
    sentence = Sentence(tuple(words), tuple(tags[: len(words)]), 0, 1)
    file = tmp_path / "back"
    try:
        file.write_text(write_sentences([sentence], to="spans"), encoding="utf-8")
    except DataError as error:
        assert any(word != word.strip() for word in words)
        assert "--to jsonl" in (error.hint or "")
        return

    (back,) = read_sentences(file).sentences

    assert (back.words, back.tags) == (sentence.words, sentence.tags)


@REUSED
@given(
    answers=st.lists(
        st.lists(st.tuples(st.integers(0, 9), st.integers(1, 9)), max_size=2), min_size=1, max_size=6
    ),
    to=st.sampled_from(["squad", "jsonl"]),
)
def test_write_questions_reads_back(tmp_path: Path, answers: list[list[tuple[int, int]]], to: str) -> None:
    assume(any(answers))
    questions = [
        Question(
            f"q{n}",
            f"Who is {n}?",
            f"context{n // 2}ofallthese",
            tuple(Answer(f"context{n // 2}ofallthese"[s : s + size], s) for s, size in given_answers),
            "x:1",
            n // 2,
        )
        for n, given_answers in enumerate(answers)
    ]
    file = tmp_path / "back"
    has_impossible = not all(answers)
    file.write_text(write_questions(questions, to=to, has_impossible=has_impossible), encoding="utf-8")

    back = read_questions(file)

    assert [(q.id, q.question, q.context) for q in back.questions] == [
        (q.id, q.question, q.context) for q in questions
    ]
    assert [{(a.text, a.start) for a in q.answers} for q in back.questions] == [
        {(a.text, a.start) for a in q.answers} for q in questions
    ]
