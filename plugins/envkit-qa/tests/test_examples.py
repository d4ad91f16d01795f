from __future__ import annotations

from array import array
from typing import TYPE_CHECKING, Any

import pytest

from envkit.api import UsageError
from envkit.data.rows import Answer, Question
from envkit.data.squad import read_questions
from envkit_qa.passages import Passage
from envkit_qa.read import SAMPLE_DIR

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.torch

CONTEXT = "Nordal studied botany in Vostra. The fair of Vostra is held in May, near the river Kell."


def asked(*answers: str, question: str = "Where?", context: str = CONTEXT) -> Question:
    found = tuple(Answer(text, context.index(text)) for text in answers)
    return Question("1", question, context, found, "x:1", 0)


@pytest.fixture(scope="module")
def tokenizer(tiny_model: Path) -> Any:
    from envkit.finetune.models import load_tokenizer

    loaded = load_tokenizer(tiny_model)
    loaded.model_input_names = ["input_ids", "token_type_ids", "attention_mask"]
    return loaded


def cutting(tokenizer: Any, window: int = 64, **changed: int) -> Any:
    from envkit.finetune.inputs import InputTemplate
    from envkit_qa.examples import Cutting

    options = {"stride": 128, "max_answer_length": 4, **changed}
    return Cutting(template=InputTemplate.of(tokenizer), window=window, **options)


def text_of(tokenizer: Any, example: Any) -> str:
    """Return the pieces of an example's span as text."""
    start, end = example.span
    return str(tokenizer.decode(list(example.pieces)[start : end + 1])).replace(" ##", "")


def make(tokenizer: Any, *questions: Question, window: int = 64, is_training: bool = False) -> Any:
    from envkit_qa.examples import make_examples

    return make_examples(questions, tokenizer, cutting=cutting(tokenizer, window), is_training=is_training)


def test_examples_read_what_the_tokenizer_makes_of_question_and_context(tokenizer: Any) -> None:
    question = asked()
    (example,) = make(tokenizer, question).windows
    whole = tokenizer(question.question, question.context)
    assert list(example.pieces) == whole["input_ids"]
    assert list(example.encode().types) == whole["token_type_ids"]
    assert example.pieces[3] == whole["input_ids"][3]
    assert list(example.pieces[-3:]) == whole["input_ids"][-3:]
    assert example.name == "x:1"


def test_examples_of_a_long_context_hold_no_pieces_but_count_them(tokenizer: Any) -> None:
    import numpy as np

    long = asked(context=" ".join([CONTEXT] * 200))
    examples = make(tokenizer, long, long, window=32)
    assert len(examples.windows) > 300
    assert len({id(example.passage) for example in examples.windows}) == 1
    for example in examples.windows[:50]:
        assert len(example.pieces) == len(list(example.pieces)) == 32
        assert np.asarray(example.pieces, dtype=np.int64).tolist() == list(example.pieces)
    assert len({example.name for example in examples.windows}) == len(examples.windows) / 2


@pytest.mark.parametrize("window", [16, 24, 64])
def test_examples_to_train_on_have_the_answer_as_their_span_or_none(tokenizer: Any, window: int) -> None:
    examples = make(tokenizer, asked("botany"), asked("in May"), asked(), window=window, is_training=True)
    held = set()
    for example in examples.windows:
        if example.span != (0, 0):
            held.add(example.question)
            assert text_of(tokenizer, example) == ("botany", "in may")[example.question]
        elif example.question == 0:
            assert "botany" not in tokenizer.decode(list(example.pieces)).replace(" ##", "")
    assert held == {0, 1}
    assert examples.lost_answers == ()


def test_examples_to_train_on_leave_windows_out_that_cut_through_an_answer(tokenizer: Any) -> None:
    answer = "fair of Vostra is held in May, near the river Kell"
    long = asked(answer, context=f"{CONTEXT} {CONTEXT.replace('fair', 'lake')}")
    cut, whole = (make(tokenizer, long, window=16, is_training=is_training) for is_training in (True, False))
    assert cut.lost_answers == ("x:1",)
    assert 0 < len(cut.windows) < len(whole.windows)
    assert {example.span for example in cut.windows} == {(0, 0)}


def test_examples_to_train_on_take_any_of_several_answers(tokenizer: Any) -> None:
    several = Question(
        "1",
        "?",
        CONTEXT,
        (Answer("Vostra", CONTEXT.index("Vostra")), Answer("Kell", CONTEXT.index("Kell"))),
        "x",
        0,
    )
    examples = make(tokenizer, several, window=16, is_training=True)
    assert {text_of(tokenizer, example) for example in examples.windows} >= {"vostra", "kell"}


def test_examples_of_an_answer_without_pieces_are_left_out(tokenizer: Any) -> None:
    examples = make(tokenizer, asked("\u200b", context="Bo \u200b did"), is_training=True)
    assert examples.windows == ()
    assert examples.lost_answers == ("x:1",)


def test_examples_of_a_question_longer_than_the_window_are_cut_by_name(tokenizer: Any) -> None:
    examples = make(tokenizer, asked("botany", question="where " * 300), window=32, is_training=True)
    assert examples.cut_questions == ("x:1",)
    assert all(len(example.pieces) <= 32 for example in examples.windows)
    assert any(example.span != (0, 0) for example in examples.windows)


def test_examples_of_an_empty_context_are_one_window(tokenizer: Any) -> None:
    (example,) = make(tokenizer, asked(context="")).windows
    assert list(example.pieces) == [*tokenizer("Where?")["input_ids"], tokenizer.sep_token_id]


def test_cutting_without_room_is_refused(tokenizer: Any) -> None:
    with pytest.raises(UsageError, match="no room for a question"):
        cutting(tokenizer, window=4)


def test_batch_is_what_the_tokenizer_pads_and_masks_what_is_no_answer(tokenizer: Any) -> None:
    import torch

    from envkit_qa.batches import make_batch

    questions = [asked("botany"), asked("Bo", context="It was Bo", question="Who was it?"), asked(context="")]
    examples = make(tokenizer, *questions, is_training=True)
    batch = make_batch(examples.windows, pad=tokenizer.pad_token_id, device=torch.device("cpu"))
    whole = tokenizer(
        [question.question for question in questions],
        [question.context for question in questions],
        padding=True,
        return_tensors="pt",
    )
    for name, tensor in batch.inputs.items():
        assert tensor.equal(whole[name]), name
    for row, question in enumerate(questions):
        pieces = batch.inputs["input_ids"][row][batch.mask[row] == 1]
        assert pieces[0] == tokenizer.cls_token_id
        assert pieces[1:].tolist() == tokenizer(question.context, add_special_tokens=False)["input_ids"]
    ends = [(int(start), int(end)) for start, end in zip(batch.starts, batch.ends, strict=True)]
    assert ends == [example.span for example in examples.windows]
    assert ends[2] == (0, 0)


def test_examples_of_the_sample_lose_no_answer(tokenizer: Any) -> None:
    from envkit_qa.examples import make_examples

    questions = read_questions(SAMPLE_DIR / "train.json").questions
    examples = make_examples(
        questions, tokenizer, cutting=cutting(tokenizer, 32, max_answer_length=12), is_training=True
    )
    assert examples.lost_answers == ()
    for example in examples.windows:
        if example.span != (0, 0):
            shift = example.window.start - example.context_start
            question = questions[example.question]
            text, start = example.passage.cut(question.context, *(place + shift for place in example.span))
            assert Answer(text, start) in question.answers


PASSAGE = Passage(array("i", [5, 6, 7, 8]), array("i", [0, 4, 4, 9]), array("i", [3, 7, 7, 12]))


@pytest.mark.parametrize(
    ("characters", "pieces"),
    [
        ((0, 3), (0, 0)),
        ((4, 7), (1, 2)),
        ((5, 6), (1, 2)),
        ((2, 10), (0, 3)),
        ((3, 4), None),
        ((12, 14), None),
    ],
)
def test_passage_finds_the_pieces_of_characters(
    characters: tuple[int, int], pieces: tuple[int, int] | None
) -> None:
    assert PASSAGE.find(*characters) == pieces


def test_passage_cuts_text_from_the_context_without_blanks_around_it() -> None:
    passage = Passage(array("i", [5, 6]), array("i", [0, 3]), array("i", [3, 8]))
    assert passage.cut("Ada  Bo  x", 1, 1) == ("Bo", 5)
    assert passage.cut("Ada  Bo  x", 0, 1) == ("Ada  Bo", 0)
