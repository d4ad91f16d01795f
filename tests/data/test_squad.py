from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from required import require_data

from envkit.api import DataError
from envkit.data.question_rows import QuestionCollector, make_question
from envkit.data.rows import Answer
from envkit.data.squad import QuestionFile, is_squad, read_questions, scan_questions

if TYPE_CHECKING:
    from pathlib import Path

CONTEXT = "Ada wrote it in Turin, and Ada kept it. Bo did not."
ROW = {"id": "7", "question": "Where?", "context": CONTEXT}
TURIN = {"text": "Turin", "answer_start": 16}


def write(folder: Path, content: Any, *, name: str = "some.data") -> Path:
    file = folder / name  # the name says nothing: content decides
    text = content if isinstance(content, str) else json.dumps(content)
    file.write_text(text, encoding="utf-8")
    return file


def squad(*questions: dict[str, Any], context: Any = CONTEXT) -> dict[str, Any]:
    return {
        "version": "1.1",
        "data": [{"title": "x", "paragraphs": [{"context": context, "qas": [*questions]}]}],
    }


def asked(**fields: Any) -> dict[str, Any]:
    return {"id": "7", "question": "Where?", "answers": [TURIN], **fields}


def read(folder: Path, content: Any, **options: Any) -> QuestionFile:
    return read_questions(write(folder, content), **options)


@pytest.mark.parametrize(
    ("content", "format"),
    [
        (squad(asked()), "squad"),
        (json.dumps(squad(asked()), indent=2), "squad"),
        ("\ufeff" + json.dumps(squad(asked())), "squad"),
        (squad(asked(is_impossible=False)), "squad"),
        (squad(asked())["data"], "squad"),
        (squad(asked())["data"][0], "squad"),
        ({**ROW, "answers": {"text": ["Turin"], "answer_start": [16]}}, "jsonl"),
        ({**ROW, "answers": {"text": "Turin", "answer_start": 16}}, "jsonl"),
        ({**ROW, "answers": [TURIN]}, "jsonl"),
        ({**ROW, "answers": [{"text": "Turin", "start": 16}]}, "jsonl"),
        ({**ROW, "answers": ["Turin"]}, "jsonl"),
        ({**ROW, "answer": "Turin", "answer_start": 16}, "jsonl"),
        ({**ROW, "answer": "Turin"}, "jsonl"),
        ({**ROW, "answer": TURIN}, "jsonl"),
        ({**ROW, "id": 7, "answers": [{"text": "Turin", "answer_start": 16.0}]}, "jsonl"),
        ([{**ROW, "answers": [TURIN]}], "json"),
        ({"data": [{**ROW, "answers": [TURIN]}]}, "json"),
        (f'id,question,context,answer,answer_start\n7,Where?,"{CONTEXT}",Turin,16\n', "csv"),
        (f"id\tquestion\tcontext\tanswer\n7\tWhere?\t{CONTEXT}\tTurin\n", "tsv"),
    ],
)
def test_read_questions_of_every_shape_gives_the_same(tmp_path: Path, content: Any, format: str) -> None:
    found = read(tmp_path, content)
    (question,) = found.questions
    assert (question.id, question.question, question.context) == ("7", "Where?", CONTEXT)
    assert question.answers == (Answer("Turin", 16),)
    assert (found.format, found.has_impossible, found.warnings) == (format, False, ())


def test_read_questions_of_jsonl_names_them_by_line_and_numbers_their_contexts(tmp_path: Path) -> None:
    rows = [
        {"question": f"{number}?", "context": context, "answers": []} for number, context in enumerate("aba")
    ]
    found = read(tmp_path, "\n\n".join(map(json.dumps, rows)) + "\n")
    assert [question.name for question in found.questions] == ["some.data:1", "some.data:3", "some.data:5"]
    assert [question.id for question in found.questions] == ["1", "3", "5"]
    assert [question.paragraph for question in found.questions] == [0, 1, 0]


def test_read_questions_of_squad_names_them_by_id(tmp_path: Path) -> None:
    found = read(tmp_path, squad(asked(id="56d"), {"question": "Who?", "answers": ["Bo"]}))
    assert [question.name for question in found.questions] == [
        "some.data:56d",
        "some.data:data[0].paragraphs[0].qas[1]",
    ]


def test_read_questions_of_a_packed_file_and_another_encoding(tmp_path: Path) -> None:
    file = tmp_path / "x.json.gz"
    content = squad(asked(question="Où?"))
    file.write_bytes(gzip.compress(json.dumps(content, ensure_ascii=False).encode("latin-1")))
    assert read_questions(file, encoding="latin-1").questions[0].question == "Où?"
    with pytest.raises(DataError, match="not UTF-8: byte 0xf9") as caught:
        read_questions(file)
    assert "--encoding" in str(caught.value.hint)


@pytest.mark.parametrize(
    "question",
    [
        asked(answers=[], is_impossible=True),
        asked(answers=[], is_impossible=True, plausible_answers=[TURIN]),
        asked(answers=[]),
        asked(answers=[{"text": "", "answer_start": -1}]),
        asked(answers=[{"text": "", "answer_start": 0}], is_impossible=False),
        {"id": "7", "question": "Where?", "is_impossible": True},
    ],
)
def test_read_questions_without_an_answer_are_impossible(tmp_path: Path, question: dict[str, Any]) -> None:
    found = read(tmp_path, squad(question))
    assert found.questions[0].answers == ()
    assert found.has_impossible
    assert found.warnings == ()


@pytest.mark.parametrize(
    ("answer", "warned"),
    [
        ({"text": "Turin", "answer_start": 15}, "answer 1 is not at its answer_start 15; it stands once"),
        ({"text": "Turin", "answer_start": -1}, "answer 1 is not at its answer_start -1; it stands once"),
        ({"text": " Turin ", "answer_start": 3}, "answer 1 is not at its answer_start 3; it stands once"),
        ({"text": "Turin", "answer_start": None}, None),
        ({"text": "Turin"}, None),
        ({"text": "Turin", "answer_start": True}, None),
        ({"text": "Turin", "answer_start": 16.5}, None),
    ],
)
def test_read_questions_with_a_wrong_offset_find_an_answer_that_stands_once(
    tmp_path: Path, answer: dict[str, Any], warned: str | None
) -> None:
    found = read(tmp_path, squad(asked(answers=[answer])))
    assert found.questions[0].answers == (Answer("Turin", 16),)
    if warned is None:
        assert found.warnings == ()
        assert found.notes == ("some.data: 1 answers without answer_start were found in their contexts",)
    else:
        (warning,) = found.warnings
        assert warning.startswith(f"some.data:7: {warned}")


@pytest.mark.parametrize(
    ("answer", "warned"),
    [
        ({"text": "Ada", "answer_start": 5}, "answer 1 is not at its answer_start 5 and stands 2 times"),
        ({"text": "Ada", "answer_start": None}, "answer 1 has no answer_start and stands 2 times"),
        (
            {"text": "Rome", "answer_start": 16},
            "answer 1 is not at its answer_start 16 and is not in the context",
        ),
    ],
)
def test_read_questions_leave_out_an_answer_whose_place_is_not_known(
    tmp_path: Path, answer: dict[str, Any], warned: str
) -> None:
    found = read(tmp_path, squad(asked(answers=[answer, TURIN])))
    assert found.questions[0].answers == (Answer("Turin", 16),)
    (warning,) = found.warnings
    assert warning.startswith(f"some.data:7: {warned}")

    alone = scan_questions(write(tmp_path, squad(asked(answers=[answer]), asked(id="8"))))
    assert [question.id for question in alone.questions] == ["8"]
    assert not alone.has_impossible
    assert (
        alone.warnings[1]
        == "some.data:7: none of its answers stands in the context: the question is left out"
    )


def test_read_questions_count_the_problems_of_a_kind(tmp_path: Path) -> None:
    moved = {"text": "Turin", "answer_start": 1}
    found = read(tmp_path, squad(*(asked(id=str(number), answers=[moved]) for number in range(4))))
    (problem,) = found.problems
    assert (problem.level, problem.place, problem.count) == ("warning", "some.data:0", 4)
    assert found.warnings[0].endswith("(4 of this kind)")


@pytest.mark.parametrize(
    ("content", "warned"),
    [
        (squad(asked(), asked()), "some.data:7: the id '7' stands twice"),
        (
            squad(asked(), asked(id="8", is_impossible=True)),
            "some.data:8: it is said to be impossible and has",
        ),
        (
            squad(asked(), asked(id="8", answers=[], is_impossible=False)),
            "some.data:8: it is said to be possible",
        ),
        (squad(asked(question=" ")), "some.data:7: the question is empty"),
        (
            [{**ROW, "answers": []}, {**ROW, "id": "8", "context": " ", "answers": []}],
            "some.data:2: the context is",
        ),
    ],
)
def test_read_questions_warn_of_what_is_odd(tmp_path: Path, content: Any, warned: str) -> None:
    (warning,) = read(tmp_path, content).warnings
    assert warning.startswith(warned)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("{}", "expected the questions under 'data', found an object"),
        ('{"rows": []}', "expected the questions under 'data', found an object with 'rows'"),
        ('{"data": 3}', "expected the questions under 'data', found a number"),
        ('{"data": []}', "holds no question"),
        ('{"data": [3]}', "data[0]: expected an object, found a number"),
        ('{"data": [{"title": "x"}]}', "data[0]: expected a list 'paragraphs', but it has 'title'"),
        (
            '{"data": [{"paragraphs": [{"context": "x", "qas": {}}]}]}',
            "data[0].paragraphs[0]: expected a list 'qas', but 'qas' is an object",
        ),
        (squad(asked(), context=None), ":7: 'context' is null"),
        (squad(asked(), context=3), ":7: expected 'context' to be a string, found a number"),
        (squad({"id": "7", "answers": []}), ":7: there is no 'question'"),
        (squad({"id": "7", "question": "?"}), ":7: there is no 'answers'"),
        (squad(asked(answers=None)), ":7: there is no 'answers'"),
        (squad(asked(answers=3)), ":7: expected 'answers' to be a list or an object, found a number"),
        (squad(asked(answers=[3])), ":7: expected each answer to have a string 'text', found a number"),
        (
            squad(asked(answers=[{"text": None}])),
            ":7: expected each answer to have a string 'text', found null",
        ),
        (squad(asked(answers={"text": ["a", "b"], "answer_start": [0]})), ":7: there are 2 texts"),
        (squad(asked(id=[1])), "qas[0]: expected 'id' to be a string, found a list"),
        ('{"data": [\n{"paragraphs": [}', "data:2: this is no whole JSON"),
        (json.dumps({**ROW, "answers": []}) + '\n{"id": \n', ":2: this is no whole JSON object"),
        (json.dumps({**ROW, "answers": []}) + "\n3\n", ":2: expected an object"),
        ("text\tlabel\na\tb\n", "expected the columns 'question' and 'context', found 'text', 'label'"),
    ],
)
def test_read_questions_of_a_broken_file_say_where_and_what(
    tmp_path: Path, content: Any, problem: str
) -> None:
    with pytest.raises(DataError) as caught:
        read(tmp_path, content)
    assert problem in str(caught.value)
    assert str(tmp_path) in str(caught.value)
    assert caught.value.hint


def test_read_questions_in_a_format_that_holds_none_name_those_that_do(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="'conll'") as caught:
        read(tmp_path, squad(asked()), format="conll")
    assert "squad" in str(caught.value.hint)


def test_scan_questions_of_a_broken_file_keep_what_is_whole(tmp_path: Path) -> None:
    content = squad(asked(), {"id": "8"}, asked(id="9", answers=7), asked(id="10"))
    found = scan_questions(write(tmp_path, content))
    assert [question.id for question in found.questions] == ["7", "10"]
    (problem,) = found.problems
    assert (problem.level, problem.place, problem.count) == ("error", "some.data:8", 2)


def test_read_questions_that_need_no_answers_keep_all(tmp_path: Path) -> None:
    content = squad({"id": "7", "question": "?"}, asked(id="8"), asked(id="9", answers=[{"text": "Rome"}]))
    found = read(tmp_path, content, needs_answers=False)
    assert [question.answers for question in found.questions] == [(), (), ()]
    assert not found.has_impossible
    assert found.warnings == ()


def test_make_question_of_a_row_takes_its_id_or_its_place() -> None:
    assert make_question(ROW, name="x.jsonl:3").id == "7"
    assert make_question({"question": "?", "context": ""}, name="x.jsonl:3").id == "3"
    with pytest.raises(DataError, match="x.jsonl:3: there is no 'context'"):
        make_question({"question": "?"}, name="x.jsonl:3")


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (squad(asked()), True),
        (json.dumps(squad(asked()), indent=1), True),
        (squad(asked())["data"], True),
        ([{**ROW}], False),
        (json.dumps([{**ROW}], indent=1), False),
        ("{ no JSON", False),
        ({**ROW}, False),
        (json.dumps(ROW) + "\n" + json.dumps(ROW), False),
        ("question\tcontext\n", False),
    ],
)
def test_is_squad_tells_squad_from_rows(tmp_path: Path, content: Any, expected: bool) -> None:
    assert is_squad(write(tmp_path, content)) is expected


@given(
    context=st.text(alphabet="ab ü😀", min_size=1, max_size=20),
    start=st.integers(-3, 25) | st.none(),
    span=st.tuples(st.integers(0, 19), st.integers(1, 5)),
)
def test_collector_gives_answers_that_stand_where_they_say(
    context: str, start: int | None, span: tuple[int, int]
) -> None:
    text = context[span[0] : span[0] + span[1]]
    row = {**ROW, "context": context, "answers": [{"text": text, "answer_start": start}]}
    found = QuestionCollector("x")
    found.add(row, where="1")
    for question in found.questions:
        for answer in question.answers:
            assert context[answer.start :].startswith(answer.text)
            assert answer.text.strip() == text.strip()
    if context[span[0] :].startswith(text) and start == span[0] and text.strip():
        assert found.questions[0].answers == (Answer(text, start),)


def test_read_questions_of_squad_are_all_there() -> None:
    folder = require_data("squad")
    train, dev = (read_questions(folder / f"{split}.json") for split in ("train", "dev"))
    assert (len(train.questions), train.has_impossible, train.problems) == (2131, True, ())
    assert (len(dev.questions), dev.has_impossible, dev.problems) == (265, False, ())
