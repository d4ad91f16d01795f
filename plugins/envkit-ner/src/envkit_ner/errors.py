"""Tell in what way each entity that was not found rightly went wrong."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from envkit.api import Table
from envkit.data.tag_schemes import Span, find_spans

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

Kind = Literal["right", "boundary", "type", "both", "missed", "spurious"]
KINDS: tuple[Kind, ...] = ("right", "boundary", "type", "both", "missed", "spurious")


@dataclass(frozen=True)
class ErrorCounts:
    """How many entities of each type went which way.

    A gold entity and a predicted one make a pair, each at most once: first those that are equal (right),
    then those of the same words and another type (type), then those of the same type that share a word
    (boundary), then any others that share a word (both). What is left of the gold ones is missed, what is
    left of the predicted ones spurious. So right, boundary, type, both and missed add up to the entities
    that are there, and the same with spurious for missed to those that were found. Pairs and what was missed
    count for the type of the gold entity, what is spurious for its own.
    """

    counts: dict[str, Counter[Kind]] = field(default_factory=dict)

    def table(self, split: str) -> Table:
        """Return the counts as the table of this split: a row for each type, and one for all."""
        total: Counter[Kind] = sum(self.counts.values(), Counter())
        rows = [(name, self.counts[name]) for name in sorted(self.counts)]
        return Table(
            title=f"{split}: entities right and wrong",
            columns=("type", "right", "boundary", "wrong type", "both", "missed", "spurious"),
            rows=[(name, *(counts[kind] for kind in KINDS)) for name, counts in [*rows, ("all", total)]],
            kind="errors",
        )


def count_errors(gold: Sequence[Sequence[str]], predicted: Sequence[Sequence[str]]) -> ErrorCounts:
    """Count the kinds of errors of sentences of IOB2 tags. Raises: ValueError where they are not as many."""
    found = ErrorCounts()
    for gold_tags, predicted_tags in zip(gold, predicted, strict=True):
        for kind, name in judge(find_spans(gold_tags), find_spans(predicted_tags)):
            found.counts.setdefault(name, Counter())[kind] += 1
    return found


def judge(gold: Iterable[Span], predicted: Iterable[Span]) -> list[tuple[Kind, str]]:
    """Return kind and type of every pair, missed and spurious entity of one sentence.

    Of several that an entity could pair with it takes the one with which it shares most words, of equal ones
    the first.
    """
    there, found = dict.fromkeys(sorted(gold)), dict.fromkeys(sorted(predicted))
    judged: list[tuple[Kind, str]] = []
    right = [span for span in there if span in found]
    for span in right:
        del there[span], found[span]
        judged.append(("right", span.type))
    # No pairs to look for is what most sentences come to.
    for kind, one, other in _candidates(there, found) if there and found else ():
        if one in there and other in found:
            del there[one], found[other]
            judged.append((kind, one.type))
    judged += [("missed", span.type) for span in there]
    judged += [("spurious", span.type) for span in found]
    return judged


def _candidates(gold: Iterable[Span], predicted: Iterable[Span]) -> list[tuple[Kind, Span, Span]]:
    """Return all entities that share a word, the likest first."""
    found: list[tuple[int, int, Kind, Span, Span]] = []
    for one in gold:
        for other in predicted:
            shared = min(one.end, other.end) - max(one.start, other.start)
            if shared > 0:
                kind: Kind = (
                    "type"
                    if (one.start, one.end) == (other.start, other.end)
                    else "boundary"
                    if one.type == other.type
                    else "both"
                )
                found.append((("type", "boundary", "both").index(kind), -shared, kind, one, other))
    return [(kind, one, other) for *_, kind, one, other in sorted(found)]
