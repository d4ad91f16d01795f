"""Score tags against tags, in IOB2: whole entities, and single words for comparison with published figures."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from operator import eq
from typing import TYPE_CHECKING, Any, NamedTuple

from envkit.api import Table
from envkit.data.tag_schemes import OUTSIDE, Span, find_spans

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Entities = tuple[set[Span], set[Span]]  # of one sentence: those that are there, those that were found


@dataclass(frozen=True)
class Counts:
    """How many of one kind were found rightly, were found at all, and are there."""

    right: int = 0
    found: int = 0
    there: int = 0

    def __add__(self, other: Counts) -> Counts:
        return Counts(self.right + other.right, self.found + other.found, self.there + other.there)

    @property
    def precision(self) -> float:
        """Return the share of the found that is right, 0 where nothing was found."""
        return self.right / self.found if self.found else 0.0

    @property
    def recall(self) -> float:
        """Return the share of what is there that was found, 0 where nothing is there."""
        return self.right / self.there if self.there else 0.0

    @property
    def f1(self) -> float:
        """Return the harmonic mean of precision and recall."""
        both = self.found + self.there
        return 2 * self.right / both if both else 0.0


class SentenceCounts(NamedTuple):
    """One sentence's share of the counts: strict entities right, found and there, words right and there.

    A tuple, so that a list of them is an array [sentences, 5] at once, which a bootstrap resamples.
    """

    right: int
    found: int
    there: int
    words_right: int
    words: int


@dataclass(frozen=True)
class Score:
    """How well predicted tags agree with the gold ones: entities by type, words by tag.

    ``strict`` counts entities as IOB2 defines them, as seqeval's ``mode="strict", scheme=IOB2``;
    ``lenient`` as conlleval and seqeval's default do, where an I-X may begin an entity. ``sentences``
    holds what each sentence gave to the totals.
    """

    strict: dict[str, Counts]
    lenient: dict[str, Counts]
    words: dict[str, Counts]
    sentences: tuple[SentenceCounts, ...]

    @property
    def entity_f1(self) -> float:
        """Return the strict F1 over the entities of all types."""
        return _total(self.strict).f1

    def metrics(self, split: str) -> dict[str, float]:
        """Return the flat metrics of this split, ``dev/entity_f1`` and so on."""
        strict, lenient, words = map(_total, (self.strict, self.lenient, self.words))
        return {
            f"{split}/entity_f1": strict.f1,
            f"{split}/entity_precision": strict.precision,
            f"{split}/entity_recall": strict.recall,
            f"{split}/entity_f1_lenient": lenient.f1,
            f"{split}/token_accuracy": words.precision,
            f"{split}/support": strict.there,
        }

    def tables(self, split: str) -> tuple[Table, ...]:
        """Return the tables of this split: entities by type, words by tag (O and all)."""
        columns = ("precision", "recall", "F1", "support")
        return (
            Table(
                title=f"{split}: entities (strict)",
                columns=("type", *columns),
                rows=[*_rows(self.strict), ("all", *_cells(_total(self.strict)))],
            ),
            Table(
                title=f"{split}: words by tag",
                columns=("tag", *columns),
                rows=[*_rows(self.words), ("all (accuracy)", *_cells(_total(self.words)))],
            ),
        )


def score(gold: Sequence[Sequence[str]], predicted: Sequence[Sequence[str]]) -> Score:
    """Score sentences of IOB2 tags. Raises: ValueError where sentences or words are not as many in both."""
    strict = _find_entities(gold, predicted, strict=True)
    return Score(
        strict=_count_entities(strict),
        lenient=_count_entities(_find_entities(gold, predicted, strict=False)),
        words=_count_words(gold, predicted),
        sentences=tuple(map(_count_sentence, strict, gold, predicted)),
    )


# Metrics, without their split, from sums [..., 5] of SentenceCounts: what a bootstrap computes of each sample.
METRICS: dict[str, Callable[[Any], Any]] = {
    "entity_f1": lambda sums: 2 * sums[..., 0] / (sums[..., 1] + sums[..., 2]).clip(1),
    "entity_precision": lambda sums: sums[..., 0] / sums[..., 1].clip(1),
    "entity_recall": lambda sums: sums[..., 0] / sums[..., 2].clip(1),
    "token_accuracy": lambda sums: sums[..., 3] / sums[..., 4].clip(1),
}


def _find_entities(
    gold: Sequence[Sequence[str]], predicted: Sequence[Sequence[str]], *, strict: bool
) -> list[Entities]:
    return [
        (set(find_spans(gold_tags, strict=strict)), set(find_spans(predicted_tags, strict=strict)))
        for gold_tags, predicted_tags in zip(gold, predicted, strict=True)
    ]


def _count_entities(sentences: Sequence[Entities]) -> dict[str, Counts]:
    right: Counter[str] = Counter()
    found: Counter[str] = Counter()
    there: Counter[str] = Counter()
    for gold_spans, predicted_spans in sentences:
        there.update(span.type for span in gold_spans)
        found.update(span.type for span in predicted_spans)
        right.update(span.type for span in gold_spans & predicted_spans)
    return {kind: Counts(right[kind], found[kind], there[kind]) for kind in sorted(there | found)}


def _count_sentence(entities: Entities, gold: Sequence[str], predicted: Sequence[str]) -> SentenceCounts:
    there, found = entities
    return SentenceCounts(
        len(there & found), len(found), len(there), sum(map(eq, gold, predicted)), len(gold)
    )


def _count_words(gold: Sequence[Sequence[str]], predicted: Sequence[Sequence[str]]) -> dict[str, Counts]:
    pairs: Counter[tuple[str, str]] = Counter()
    for gold_tags, predicted_tags in zip(gold, predicted, strict=True):
        pairs.update(zip(gold_tags, predicted_tags, strict=True))
    found: Counter[str] = Counter()
    there: Counter[str] = Counter()
    for (gold_tag, predicted_tag), number in pairs.items():
        there[gold_tag] += number
        found[predicted_tag] += number
    tags = sorted(there | found, key=lambda tag: (tag == OUTSIDE, tag))
    return {tag: Counts(pairs[tag, tag], found[tag], there[tag]) for tag in tags}


def _total(counts: dict[str, Counts]) -> Counts:
    return sum(counts.values(), Counts())


def _rows(counts: dict[str, Counts]) -> list[tuple[str, float, float, float, int]]:
    return [(kind, *_cells(of_kind)) for kind, of_kind in counts.items()]


def _cells(counts: Counts) -> tuple[float, float, float, int]:
    return counts.precision, counts.recall, counts.f1, counts.there
