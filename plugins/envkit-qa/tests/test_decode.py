from __future__ import annotations

import math
from array import array
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from envkit.data.rows import Question
from envkit_qa.passages import Passage
from envkit_qa.windows import choose_overlap, cut_context

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

pytestmark = pytest.mark.torch

ROOM = 6


def make_case(lengths: Sequence[int], *, longest: int) -> tuple[list[Question], list[Passage], list[Any]]:
    """Return questions to contexts of one-letter pieces, and their examples in windows of ROOM pieces."""
    from envkit.finetune.inputs import Around, InputTemplate
    from envkit_qa.examples import Example

    around = Around((1,), (2,), (2,), ((), (), (), (), ()))
    template = InputTemplate(around, around, has_types=False)
    questions, passages, examples = [], [], []
    overlap = choose_overlap(ROOM, stride=2, max_answer_length=longest)
    for number, length in enumerate(lengths):
        context = " ".join("abcdefghijklmnopqrstuvwxyz"[place % 26] for place in range(length))
        places = range(0, 2 * length, 2)
        passage = Passage(
            array("i", [9] * length), array("i", places), array("i", [place + 1 for place in places])
        )
        questions.append(Question(str(number), "?", context, (), "x", number))
        passages.append(passage)
        examples += [
            Example("x", number, (3, 4), passage, window, template)
            for window in cut_context(length, room=ROOM, overlap=overlap)
        ]
    return questions, passages, examples


def decode(
    case: tuple[list[Question], list[Passage], list[Any]],
    logits: Sequence[tuple[Any, Any]],
    *,
    at_once: int = 3,
    longest: int = 4,
    n_best: int = 5,
    can_be_none: bool = True,
) -> Any:
    """Decode logits, two rows of an example's length each, in batches of so many, the last examples first."""
    import torch

    from envkit_qa.batches import make_batch
    from envkit_qa.decode import Decoder

    questions, passages, examples = case
    decoder = Decoder(n_best=n_best, max_answer_length=longest, can_be_none=can_be_none)
    order = list(range(len(examples)))[::-1]
    for start in range(0, len(order), at_once):
        part = order[start : start + at_once]
        batch = make_batch([examples[number] for number in part], pad=0, device=torch.device("cpu"))
        width = batch.mask.shape[1]
        padded = [
            torch.stack(
                [
                    torch.nn.functional.pad(
                        logits[number][end], (0, width - len(logits[number][end])), value=99.0
                    )
                    for number in part
                ]
            )
            for end in (0, 1)
        ]
        decoder.add(decoder.reduce(*padded, batch))
    return decoder.rank(questions, passages)


def random_logits(examples: Sequence[Any], *, seed: int, scale: float = 3.0) -> list[tuple[Any, Any]]:
    import torch

    generator = torch.Generator().manual_seed(seed)
    return [
        tuple(scale * torch.randn(len(example.pieces), generator=generator) for _ in range(2))  # type: ignore[misc]
        for example in examples
    ]


def every_span(
    examples: Sequence[Any], logits: Sequence[tuple[Any, Any]], question: int, longest: int
) -> dict[tuple[int, int], float]:
    """Return the score of each span of a question, in the window with the most context around it."""
    best: dict[tuple[int, int], tuple[int, int, float]] = {}
    for number, example in enumerate(examples):
        if example.question != question:
            continue
        window, (starts, ends) = example.window, logits[number]
        for first in range(window.start, window.stop):
            for last in range(first, min(window.stop, first + longest)):
                shift = example.context_start - window.start
                score = float(starts[first + shift]) + float(ends[last + shift])
                context = min(first - window.start, window.stop - 1 - last)
                if (first, last) not in best or (context, -window.start) > best[first, last][:2]:
                    best[first, last] = (context, -window.start, score)
    return {span: score for span, (_, _, score) in best.items()}


@settings(max_examples=60)
@given(
    lengths=st.lists(st.integers(0, 20), min_size=1, max_size=4),
    seed=st.integers(0, 10**6),
    longest=st.integers(1, 8),
    at_once=st.integers(1, 9),
)
def test_decoder_finds_what_trying_every_span_finds(
    lengths: list[int], seed: int, longest: int, at_once: int
) -> None:
    case = make_case(lengths, longest=longest)
    questions, _, examples = case
    logits = random_logits(examples, seed=seed)
    ranked = decode(case, logits, longest=longest, at_once=at_once)
    for number, (question, found) in enumerate(zip(questions, ranked, strict=True)):
        spans = every_span(examples, logits, number, longest)
        null = min(
            float(starts[0] + ends[0])
            for example, (starts, ends) in zip(examples, logits, strict=True)
            if example.question == number
        )
        total = sum(math.exp(score) for score in (*spans.values(), null))
        expected = sorted(spans.items(), key=lambda item: -item[1])[:5]
        assert [choice.start for choice in found.choices] == [2 * first for (first, _), _ in expected]
        assert [choice.text for choice in found.choices] == [
            question.context[2 * first : 2 * last + 1] for (first, last), _ in expected
        ]
        assert [choice.probability for choice in found.choices] == pytest.approx(
            [math.exp(score) / total for _, score in expected], rel=1e-4
        )
        assert found.none.probability == pytest.approx(math.exp(null) / total, rel=1e-4)
        if expected:
            assert found.difference == pytest.approx(null - expected[0][1], rel=1e-3, abs=1e-4)
        else:
            assert (found.difference, found.best) == (math.inf, "")


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf"), 0.0, 3e38])
@pytest.mark.parametrize("lengths", [[1], [0], [0, 1, 9], [20]])
def test_decoder_is_sound_for_logits_of_any_kind(value: float, lengths: list[int]) -> None:
    import torch

    case = make_case(lengths, longest=4)
    logits = [(torch.full((len(example.pieces),), value),) * 2 for example in case[2]]
    for question, found in zip(case[0], decode(case, logits), strict=True):
        for choice in found.choices:
            assert question.context[choice.start :].startswith(choice.text)
            assert 0 <= choice.probability <= 1
        assert found.best != "" or not question.context
        assert found.answer(0.0).text in question.context


def test_decoder_without_none_as_a_choice_always_answers_where_there_is_a_text() -> None:
    import torch

    case = make_case([5, 0], longest=4)
    logits = random_logits(case[2], seed=1)
    for starts, ends in logits:
        starts[0] = ends[0] = torch.tensor(50.0)
    there, empty = decode(case, logits, can_be_none=False)
    assert there.answer(None) == there.choices[0]
    assert there.none.probability == 0
    assert there.none not in there.alternatives(most=5)
    assert empty.answer(None).start is None
    assert empty.alternatives(most=5) == [empty.none]
    assert empty.none.probability == pytest.approx(1)


def test_ranked_gives_no_answer_only_above_the_threshold() -> None:
    from envkit_qa.decode import Choice, Ranked

    text, none = Choice("a", 0, 0.3), Choice("", None, 0.6)
    ranked = Ranked((text,), none, 1.5)
    assert ranked.answer(None) == ranked.answer(1.5) == text
    assert ranked.answer(1.4) == none
    assert ranked.alternatives(most=2) == [none, text]
    assert ranked.alternatives(most=1) == [none]


@pytest.mark.parametrize("window", [64, 128, 384])
def test_decoder_of_a_perfect_model_is_right_on_all_of_squad(squad: Path, window: int) -> None:
    import torch

    from envkit.data.squad import read_questions
    from envkit.finetune.inputs import InputTemplate
    from envkit.finetune.models import fetch_model, load_tokenizer
    from envkit.testing.heard import Heard
    from envkit_qa.answering import Answering
    from envkit_qa.decode import Decoder
    from envkit_qa.examples import Cutting

    tokenizer = load_tokenizer(fetch_model("sentence-transformers/all-MiniLM-L6-v2", report=Heard()))
    cutting = Cutting(template=InputTemplate.of(tokenizer), window=window, stride=128, max_answer_length=30)
    answering = Answering(tokenizer, cutting, 5, False, torch.device("cpu"))
    questions = read_questions(squad / "dev.json").questions
    examples = answering.read(questions)
    decoder = Decoder(n_best=5, max_answer_length=30, can_be_none=False)
    generator = torch.Generator().manual_seed(0)
    for begin in range(0, len(examples.windows), 16):
        part = examples.windows[begin : begin + 16]
        batch = answering.batch(part)
        starts, ends = (torch.randn(batch.mask.shape, generator=generator) for _ in range(2))
        for row, example in enumerate(part):
            # Where an end of the answer is in the window, the model knows it; in all else it guesses.
            answer = questions[example.question].answers[0]
            span = example.passage.find(answer.start, answer.start + len(answer.text))
            assert span is not None
            for logits, piece in ((starts, span[0]), (ends, span[1])):
                if piece in range(example.window.start, example.window.stop):
                    logits[row, example.context_start + piece - example.window.start] += 50
        decoder.add(decoder.reduce(starts, ends, batch))
    scored = answering.score(decoder.rank(questions, examples.passages), questions, threshold=None)
    assert scored.metrics("dev") == {"dev/f1": 1.0, "dev/exact_match": 1.0, "dev/support": 265}
