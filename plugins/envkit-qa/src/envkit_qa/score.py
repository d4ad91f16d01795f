"""Score answers as the official SQuAD scorers do, in plain Python."""

from __future__ import annotations

import re
import string
from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from envkit.api import Table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

Rules = Literal["1.1", "2.0"]

_ARTICLES = re.compile(r"\b(a|an|the)\b")
_PUNCTUATION = str.maketrans("", "", string.punctuation)
# What became of a question, from right to worst.
KINDS = (
    "right",
    "overlaps a right answer",
    "no word of a right answer",
    "no answer where there is one",
    "an answer where there is none",
)


class AnswerScore(NamedTuple):
    """How good the answer to one question is, exact match and F1 as fractions of 1; and whether it has one.

    A tuple, so that a list of them is an array [questions, 3] at once, which a bootstrap resamples.
    """

    exact_match: float
    f1: float
    has_answer: bool


@dataclass(frozen=True)
class Score:
    """How well answers agree with the right ones, question by question; ``kinds`` are of KINDS."""

    rules: Rules
    questions: tuple[AnswerScore, ...]
    kinds: tuple[str, ...]

    @property
    def f1(self) -> float:
        """Return the mean F1 over all questions."""
        return _mean(self.questions, 1)

    @cached_property
    def answerable(self) -> list[AnswerScore]:
        """Return the scores of the questions with an answer."""
        return [one for one in self.questions if one.has_answer]

    @cached_property
    def impossible(self) -> list[AnswerScore]:
        """Return the scores of the questions without one."""
        return [one for one in self.questions if not one.has_answer]

    def metrics(self, split: str) -> dict[str, float]:
        """Return the flat metrics of this split, ``dev/f1`` and so on.

        By the rules of v2.0 also those of the questions with and without an answer, where there are any.
        """
        found = {
            f"{split}/f1": self.f1,
            f"{split}/exact_match": _mean(self.questions, 0),
        }
        if self.rules == "2.0" and self.answerable:
            found[f"{split}/has_answer_f1"] = _mean(self.answerable, 1)
        if self.rules == "2.0" and self.impossible:
            found[f"{split}/no_answer_accuracy"] = _mean(self.impossible, 0)
        return {**found, f"{split}/support": len(self.questions)}

    def tables(self, split: str) -> tuple[Table, ...]:
        """Return the tables of this split: scores of the kinds of questions, and what became of all."""
        parts = [("has an answer", self.answerable), ("has none", self.impossible)]
        rows = [(name, *_cells(part)) for name, part in parts if part]
        scores = Table(
            title=f"{split}: questions",
            columns=("question", "exact match", "F1", "support"),
            rows=[*rows, ("all", *_cells(self.questions))],
        )
        counts = Counter(self.kinds)
        errors = Table(
            title=f"{split}: what became of the questions",
            columns=("answer", "questions"),
            rows=[(kind, counts[kind]) for kind in KINDS if counts[kind] or kind in KINDS[:3]],
            kind="errors",
        )
        return scores, errors


# Metrics, without their split, from sums [..., 3] of AnswerScore and a column of ones: for a bootstrap.
METRICS: dict[str, Callable[[Any], Any]] = {
    "f1": lambda sums: sums[..., 1] / sums[..., 3],
    "exact_match": lambda sums: sums[..., 0] / sums[..., 3],
}


def score(answers: Sequence[str], gold: Sequence[Sequence[str]], *, rules: Rules) -> Score:
    """Score an answer, empty for none, to each question by its right ones, of which none may be given.

    Raises: ValueError where answers and questions are not as many.
    """
    pairs = list(zip(answers, gold, strict=True))
    scores = tuple(score_answer(answer, right, rules=rules) for answer, right in pairs)
    kinds = tuple(_kind(answer, one) for (answer, _), one in zip(pairs, scores, strict=True))
    return Score(rules, scores, kinds)


def score_answer(answer: str, gold: Sequence[str], *, rules: Rules) -> AnswerScore:
    """Score one answer by the right one that it is nearest to.

    The two scorers differ in what has no words left (``The``): v2.0 leaves it out of the right answers, and
    where none is left, the right answer is none; that two such agree gives it an F1 of 1, v1.1 one of 0.
    Source: evaluate-v1.1.py and evaluate-v2.0.py of SQuAD (Rajpurkar, Jia and Liang, 2018).
    """
    right: Iterable[str] = gold
    if rules == "2.0":
        right = [text for text in gold if normalize(text)] or [""]
    exact = max((float(normalize(answer) == normalize(text)) for text in right), default=0.0)
    f1 = max((_f1(answer, text, rules=rules) for text in right), default=0.0)
    return AnswerScore(exact, f1, bool(gold))


def normalize(text: str) -> str:
    """Return the text as answers are compared: lower case, without punctuation, articles and needless blanks."""
    return " ".join(_ARTICLES.sub(" ", text.lower().translate(_PUNCTUATION)).split())


def choose_null_threshold(differences: Sequence[float], scores: Sequence[AnswerScore]) -> float:
    """Return the threshold above which no answer is given, the one of the best mean F1 over these questions.

    ``differences`` say how much better none is than the best answer, whose scores are ``scores``. The
    threshold lies half way between two differences. Raises: ValueError where there are no questions.
    Source: find_best_thresh of evaluate-v2.0.py, which gives the lower of the two.
    """
    if not scores:
        raise ValueError("there are no questions to choose by")
    current = best = float(sum(not one.has_answer for one in scores))
    order = sorted(range(len(scores)), key=differences.__getitem__)
    bounds = [differences[index] for index in order]
    chosen = 0  # so many questions are answered
    for number, index in enumerate(order, start=1):
        current += scores[index].f1 - (not scores[index].has_answer)
        # Of equal differences all are answered, or none.
        if current > best and (number == len(order) or bounds[number] > bounds[number - 1]):
            best, chosen = current, number
    if chosen == 0:
        return bounds[0] - 1.0
    if chosen == len(order):
        return bounds[-1] + 1.0
    return (bounds[chosen - 1] + bounds[chosen]) / 2


def _f1(answer: str, right: str, *, rules: Rules) -> float:
    found, there = normalize(answer).split(), normalize(right).split()
    if rules == "2.0" and not (found and there):
        return float(found == there)
    shared = sum((Counter(found) & Counter(there)).values())
    # 2 * p * r / (p + r) with p = shared / found and r = shared / there, in the order of the official scorers.
    precision, recall = shared / max(1, len(found)), shared / max(1, len(there))
    return 2 * precision * recall / (precision + recall) if shared else 0.0


def _kind(answer: str, one: AnswerScore) -> str:
    if one.exact_match == 1:
        return KINDS[0]
    if not one.has_answer:
        return KINDS[4]
    if not answer.strip():
        return KINDS[3]
    return KINDS[1] if one.f1 > 0 else KINDS[2]


def _mean(scores: Sequence[AnswerScore], place: int) -> float:
    return sum(map(itemgetter(place), scores)) / len(scores) if scores else 0.0


def _cells(scores: Sequence[AnswerScore]) -> tuple[float, float, int]:
    return _mean(scores, 0), _mean(scores, 1), len(scores)
