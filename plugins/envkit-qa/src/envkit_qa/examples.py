"""Turn questions into what the model reads: the question and a window of its context, made when it is needed.

A few long contexts are tens of thousands of windows, so that an example holds no pieces: it points to the
passage of its context, which all share.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, overload

import numpy as np

from envkit.api import UsageError
from envkit.finetune.inputs import InputTemplate, encode_texts
from envkit_qa.passages import encode_passages
from envkit_qa.windows import choose_overlap, cut_context

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

    from envkit.data.rows import Question
    from envkit.finetune.inputs import Encoded
    from envkit_qa.passages import Passage
    from envkit_qa.windows import Window

NO_ANSWER = (0, 0)  # the place of no answer in an example, its first piece, as start and end
_Spans = tuple[tuple[int, int], ...]


@dataclass(frozen=True, kw_only=True)
class Cutting:
    """How questions and contexts are cut: pieces a window holds, pieces two share, pieces of an answer."""

    template: InputTemplate
    window: int
    stride: int
    max_answer_length: int

    def __post_init__(self) -> None:
        """Raises: UsageError where a window has no room for a question and a context."""
        if self.template.room_pair(self.window) < 2:
            raise UsageError(
                f"a window of {self.window} pieces has no room for a question and its context",
                hint="Give a larger --window",
            )

    @property
    def question_room(self) -> int:
        """Return how many pieces of a question are read: half of what there is room for at most."""
        return self.template.room_pair(self.window) // 2

    def cut(self, length: int, *, question: int) -> tuple[Window, ...]:
        """Return the windows of a context of ``length`` pieces beside a question of so many."""
        room = self.template.room_pair(self.window) - question
        overlap = choose_overlap(room, stride=self.stride, max_answer_length=self.max_answer_length)
        return _cut(length, room, overlap)


# The questions of a context are of few lengths: their windows are made once.
_cut = lru_cache(maxsize=10_000)(
    lambda length, room, overlap: cut_context(length, room=room, overlap=overlap)
)


@dataclass(frozen=True, slots=True)
class Example:
    """A question, by number, with one window of its context; ``span`` are the places of an answer's ends in it.

    ``span`` is NO_ANSWER where the window holds none. ``source`` is the name of the question.
    """

    source: str
    question: int
    query: tuple[int, ...]
    passage: Passage
    window: Window
    template: InputTemplate
    span: tuple[int, int] = NO_ANSWER

    @property
    def name(self) -> str:
        """Return where it is from; of several windows, with the first piece of this one."""
        is_whole = len(self.window) == len(self.passage)
        return self.source if is_whole else f"{self.source} (from piece {self.window.start})"

    @property
    def items(self) -> int:
        """Return how many spans there are to learn: one."""
        return 1

    @property
    def pieces(self) -> Pieces:
        """Return the pieces that the model reads, which are put together when they are looked at."""
        return Pieces(self)

    @property
    def context_start(self) -> int:
        """Return the place of the window's first piece."""
        return self.template.second_start(len(self.query))

    def encode(self) -> Encoded:
        """Put question and window together."""
        return self.template.pair(self.query, self.passage.pieces[self.window.start : self.window.stop])


class Pieces(Sequence[int]):
    """The pieces of an example, whose number is known before they are made."""

    __slots__ = ("_example",)

    def __init__(self, example: Example) -> None:
        self._example = example

    def __len__(self) -> int:
        example = self._example
        return example.template.two.count + len(example.query) + len(example.window)

    @overload
    def __getitem__(self, place: int) -> int: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[int]: ...
    def __getitem__(self, place: int | slice) -> int | Sequence[int]:
        return self._example.encode().pieces[place]

    def __iter__(self) -> Any:
        return iter(self._example.encode().pieces)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        return np.array(self._example.encode().pieces, dtype=dtype)


@dataclass(frozen=True)
class Examples:
    """The windows of questions, in the order of the questions, and the passage of each question's context.

    ``cut_questions`` are the names of questions too long to be read whole; ``lost_answers`` of those to be
    trained on whose answers are in no window whole.
    """

    windows: tuple[Example, ...]
    passages: tuple[Passage, ...]
    cut_questions: tuple[str, ...] = ()
    lost_answers: tuple[str, ...] = ()


def make_examples(
    questions: Sequence[Question],
    tokenizer: PreTrainedTokenizerBase,
    *,
    cutting: Cutting,
    is_training: bool = False,
) -> Examples:
    """Cut the contexts of these questions into windows.

    To train on, a window that holds an answer whole has it as its span, one that holds nothing of any has
    NO_ANSWER; one that cuts through an answer is left out, for neither would be true.
    """
    passages = encode_passages(tokenizer, [question.context for question in questions])
    queries = encode_texts(tokenizer, [question.question for question in questions])
    windows: list[Example] = []
    cut_questions: list[str] = []
    lost_answers: list[str] = []
    for number, (question, encoded) in enumerate(zip(questions, queries, strict=True)):
        query = encoded.pieces[: cutting.question_room]
        if len(query) < len(encoded.pieces):
            cut_questions.append(question.name)
        passage = passages[question.context]
        spans = _find_spans(question, passage) if is_training else ()
        is_learned = not question.answers
        if spans or is_learned or not is_training:
            context_start = cutting.template.second_start(len(query))
            for window in cutting.cut(len(passage), question=len(query)):
                span = _place(spans, window, context_start)
                if span is not None:
                    is_learned = is_learned or span != NO_ANSWER
                    windows.append(
                        Example(question.name, number, query, passage, window, cutting.template, span)
                    )
        if is_training and not is_learned:
            lost_answers.append(question.name)
    return Examples(
        tuple(windows),
        tuple(passages[question.context] for question in questions),
        tuple(cut_questions),
        tuple(lost_answers),
    )


def _find_spans(question: Question, passage: Passage) -> _Spans:
    """Return the first and last pieces of the answers, the first of each as good as the others."""
    found = (passage.find(answer.start, answer.start + len(answer.text)) for answer in question.answers)
    return tuple(dict.fromkeys(span for span in found if span is not None))


def _place(spans: _Spans, window: Window, context_start: int) -> tuple[int, int] | None:
    """Return the places of the first answer that the window holds, NO_ANSWER, or None where it cuts through one."""
    shift = context_start - window.start
    for first, last in spans:
        if window.holds(first, last):
            return first + shift, last + shift
    return None if any(window.touches(*span) for span in spans) else NO_ANSWER
