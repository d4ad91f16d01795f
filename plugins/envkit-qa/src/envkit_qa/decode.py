"""Turn a model's scores into answers: the best spans over all windows of a question, or none.

A span scores the sum of the logits of its ends, and no answer that of the first piece, the lowest of all
windows (Devlin et al., 2019, and their ``run_squad.py``). As each span is looked for in one window alone, the
softmax over all spans of all windows, and no answer where that is a choice, gives their probabilities.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import torch

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from envkit.data.rows import Question
    from envkit_qa.batches import Batch
    from envkit_qa.passages import Passage

_HIGHEST = torch.finfo(torch.float32).max / 4  # two of them can be added


class Span(NamedTuple):
    """A span of a context, from its first piece to its last, and its score."""

    score: float
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Found:
    """What is kept of the logits of windows: the score of no answer, the log of the sum over all spans, the best."""

    question: int
    null: float
    total: float
    best: tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class Choice:
    """A text that may be the answer, where it starts in the context (None for no answer), and its probability."""

    text: str
    start: int | None
    probability: float


@dataclass(frozen=True, slots=True)
class Ranked:
    """The best texts of a context, best first, and the probability of no answer.

    ``difference`` says by how much no answer scores higher than the best text: infinite where there is no text.
    """

    choices: tuple[Choice, ...]
    none: Choice
    difference: float

    @property
    def best(self) -> str:
        """Return the best text, empty where there is none."""
        return self.choices[0].text if self.choices else ""

    def answer(self, threshold: float | None) -> Choice:
        """Return the answer: none only where ``difference`` is above the threshold, or where there is no text."""
        if not self.choices or (threshold is not None and self.difference > threshold):
            return self.none
        return self.choices[0]

    def alternatives(self, *, most: int) -> list[Choice]:
        """Return the best answers, the most probable first, none among them where it is a choice."""
        there = (*self.choices, self.none) if self.none.probability > 0 else self.choices
        return sorted(there, key=lambda choice: -choice.probability)[:most]


class Decoder:
    """Collects what was found in batches, in any order, and ranks the answers of each question.

    ``n_best`` texts are kept of a question; an answer has ``max_answer_length`` pieces at most.
    ``can_be_none`` says that no answer is a choice, and so has a probability.
    """

    def __init__(self, *, n_best: int, max_answer_length: int, can_be_none: bool) -> None:
        self._can_be_none = can_be_none
        self._kept = 2 * n_best  # spans of several pieces may be one text
        self._n_best = n_best
        self._longest = max_answer_length
        self._found: dict[int, Found] = {}

    def reduce(self, start_logits: torch.Tensor, end_logits: torch.Tensor, batch: Batch) -> list[Found]:
        """Bring from the logits [examples, pieces] to the host what decoding needs: a few spans of each window."""
        examples = batch.examples
        device = start_logits.device
        starts, ends = _defined(start_logits), _defined(end_logits)
        width = max(1, *(len(example.window) for example in examples))
        longest = min(self._longest, width)
        places = torch.arange(width, device=device)
        firsts = torch.tensor([example.context_start for example in examples], device=device)[:, None]
        sizes = torch.tensor([len(example.window) for example in examples], device=device)[:, None]
        at = (firsts + places).clamp(max=starts.shape[1] - 1)
        # [examples, pieces of the window], and for the ends [examples, first piece, pieces from there]
        inside = places < sizes
        first_scores = starts.gather(1, at).masked_fill(~inside, -torch.inf)
        last_scores = ends.gather(1, at).masked_fill(~inside, -torch.inf)
        last_scores = torch.nn.functional.pad(last_scores, (0, longest - 1), value=-torch.inf)
        scores = first_scores[:, :, None] + last_scores.unfold(1, longest, 1)
        sums = 2 * places[:, None] + torch.arange(longest, device=device)
        lowest, highest = (
            torch.tensor(bounds, device=device)[:, None, None]
            for bounds in (
                [example.window.first_sum - 2 * example.window.start for example in examples],
                [example.window.last_sum - 2 * example.window.start for example in examples],
            )
        )
        scores = scores.masked_fill((sums < lowest) | (sums > highest), -torch.inf).flatten(1)
        best = scores.topk(min(self._kept, scores.shape[1]), dim=1)
        nulls = (starts[:, 0] + ends[:, 0]).tolist()
        totals = scores.logsumexp(1).tolist()
        return [
            Found(example.question, null, total, _spans(values, indices, longest, example.window.start))
            for example, null, total, values, indices in zip(
                examples, nulls, totals, best.values.tolist(), best.indices.tolist(), strict=True
            )
        ]

    def add(self, found: Iterable[Found]) -> None:
        """Take what ``reduce`` returned for one batch."""
        for one in found:
            other = self._found.get(one.question)
            self._found[one.question] = one if other is None else self._merge(one, other)

    def rank(self, questions: Sequence[Question], passages: Sequence[Passage]) -> list[Ranked]:
        """Return the ranked answers of the questions, in order. Raises: KeyError where a question was not added."""
        return [
            self._rank(self._found[number], question.context, passage)
            for number, (question, passage) in enumerate(zip(questions, passages, strict=True))
        ]

    def _merge(self, one: Found, other: Found) -> Found:
        best = sorted((*one.best, *other.best), key=_rank_of)[: self._kept]
        return Found(one.question, min(one.null, other.null), _log_sum(one.total, other.total), tuple(best))

    def _rank(self, found: Found, context: str, passage: Passage) -> Ranked:
        can_be_none = self._can_be_none or not found.best
        total = _log_sum(found.total, found.null) if can_be_none else found.total
        texts: dict[tuple[str, int], float] = {}
        for span in sorted(found.best, key=_rank_of):
            cut = passage.cut(context, span.first, span.last)
            if cut[0]:
                texts.setdefault(cut, span.score)
        choices = tuple(
            Choice(text, start, _share(score, total))
            for (text, start), score in list(texts.items())[: self._n_best]
        )
        highest = max(texts.values(), default=-math.inf)
        return Ranked(
            choices,
            Choice("", None, _share(found.null, total) if can_be_none else 0.0),
            found.null - highest if choices else math.inf,
        )


def _defined(logits: torch.Tensor) -> torch.Tensor:
    """Return the logits in float32, those that are no number as low as can be."""
    return torch.nan_to_num(logits.float(), nan=-_HIGHEST, posinf=_HIGHEST, neginf=-_HIGHEST)


def _spans(values: Sequence[float], indices: Sequence[int], longest: int, shift: int) -> tuple[Span, ...]:
    spans = []
    for value, index in zip(values, indices, strict=True):
        if value > -math.inf:
            first, length = divmod(index, longest)
            spans.append(Span(value, shift + first, shift + first + length))
    return tuple(spans)


def _rank_of(span: Span) -> tuple[float, int, int]:
    """Return what spans are sorted by: the best first, of equal ones the earliest, whatever batch they came in."""
    return -span.score, span.first, span.last


def _log_sum(one: float, other: float) -> float:
    low, high = sorted((one, other))
    return high if low == -math.inf else high + math.log1p(math.exp(low - high))


def _share(score: float, total: float) -> float:
    return math.exp(min(0.0, score - total))
