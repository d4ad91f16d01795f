"""Turn a model's scores into tags that are valid IOB2: an I-X stands only behind a B-X or an I-X.

A sentence gets the valid tags of the highest sum of scores: the best label of each word where these are
valid, which they nearly always are, else what Viterbi's algorithm finds. The logits serve as they are: the
logarithm of the softmax lowers all labels of a word by the same, which changes no comparison.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from envkit.data.tag_schemes import OUTSIDE, split_tag
from envkit_ner.examples import NOT_LABELLED

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import torch

    from envkit_ner.batches import Batch
    from envkit_ner.examples import Part


@dataclass(frozen=True, slots=True)
class Found:
    """What is kept of the logits of one part: the best label of each word, by number.

    ``scores`` are those of each word and label where the best labels are not enough to decode the sentence
    by, and empty elsewhere.
    """

    part: Part
    best: tuple[int, ...]
    scores: tuple[tuple[float, ...], ...]


class Decoder:
    """Collects what was found in batches, in any order, and decodes each sentence once all of it is there.

    ``labels`` are the model's, by number: O, and B-X and I-X for every type. Raises: ValueError for others.
    """

    def __init__(self, labels: Sequence[str]) -> None:
        self._labels = tuple(labels)
        self._continued = find_continued(self._labels)
        self._tags: dict[int, tuple[str, ...]] = {}
        self._waiting: dict[int, list[Found]] = {}  # parts of sentences of which others are to come

    def reduce(self, logits: torch.Tensor, batch: Batch) -> list[Found]:
        """Bring from the logits [examples, pieces, labels] to the host what decoding needs.

        That is one number for each word, and the scores of those sentences alone that are spread over
        several examples or whose best labels are not valid.
        """
        scores = logits[batch.labels != NOT_LABELLED].float()
        best: list[int] = scores.argmax(-1).tolist()
        unclear: list[int] = []  # items whose scores are needed
        needed: list[bool] = []
        start = 0
        for part in batch.parts:
            stop = start + len(part.words)
            needed.append(not part.is_whole or not self._is_valid(best[start:stop]))
            if needed[-1]:
                unclear += range(start, stop)
            start = stop
        numbers = iter(best)
        fetched = iter(scores[unclear].tolist() if unclear else ())
        return [
            Found(
                part,
                tuple(next(numbers) for _ in part.words),
                tuple(tuple(next(fetched)) for _ in part.words) if is_needed else (),
            )
            for part, is_needed in zip(batch.parts, needed, strict=True)
        ]

    def add(self, found: Iterable[Found]) -> None:
        """Take what ``reduce`` returned for one batch."""
        for one in found:
            number = one.part.sentence
            if one.part.is_whole:
                self._decode(number, [one])
                continue
            parts = self._waiting.setdefault(number, [])
            parts.append(one)
            if sum(len(other.part.words) for other in parts) == one.part.length:
                self._decode(number, sorted(parts, key=lambda other: other.part.words.start))
                del self._waiting[number]

    def tags(self) -> list[tuple[str, ...]]:
        """Return the tags of all sentences, in order. Raises: ValueError where words are missing."""
        missing = sorted(self._waiting.keys() | set(range(len(self._tags))) - self._tags.keys())
        if missing:
            raise ValueError(f"not all words of sentence {missing[0]} have been added")
        return [self._tags[number] for number in range(len(self._tags))]

    def _decode(self, number: int, parts: Sequence[Found]) -> None:
        best: Sequence[int] = [label for one in parts for label in one.best]
        if not self._is_valid(best):
            best = find_best_path([row for one in parts for row in one.scores], continued=self._continued)
        self._tags[number] = tuple(self._labels[label] for label in best)

    def _is_valid(self, labels: Iterable[int]) -> bool:
        before = -1
        for label in labels:
            if label in self._continued and before not in self._continued[label]:
                return False
            before = label
        return True


def find_best_path(
    scores: Sequence[Sequence[float]], *, continued: Mapping[int, tuple[int, ...]]
) -> list[int]:
    """Return the labels, one for each row of scores [words, labels], of the highest sum that are valid.

    A label in ``continued`` stands only behind one of those given for it, of which at least one may begin.
    Source: Viterbi (1967).
    """
    reached: Sequence[int] = [label for label in range(len(scores[0])) if label not in continued]
    sums = list(scores[0])  # of the best path that ends in this label, where it is reached
    came_from: list[list[int]] = []
    for row in scores[1:]:
        # What may stand behind anything stands behind the best; only an I-X has to choose for itself.
        best = max(reached, key=sums.__getitem__)
        before = [best] * len(row)
        for label, allowed in continued.items():
            before[label] = max((other for other in allowed if other in reached), key=sums.__getitem__)
        sums = [sums[other] + score for other, score in zip(before, row, strict=True)]
        came_from.append(before)
        reached = range(len(row))
    path = [max(reached, key=sums.__getitem__)]
    for before in reversed(came_from):
        path.append(before[path[-1]])
    return path[::-1]


def find_continued(labels: Sequence[str]) -> dict[int, tuple[int, ...]]:
    """Return for the number of each I-X those of what may stand before it, B-X and I-X. Raises: ValueError."""
    numbers = {label: number for number, label in enumerate(labels)}
    continued: dict[int, tuple[int, ...]] = {}
    for label, number in numbers.items():
        prefix, kind = split_tag(label)
        if label != OUTSIDE and (prefix not in ("B", "I") or not kind):
            raise ValueError(f"the label {label!r} is not of IOB2, expected O, B-X or I-X")
        if prefix == "I":
            if f"B-{kind}" not in numbers:
                raise ValueError(f"there is a label {label}, but no B-{kind} to begin with")
            continued[number] = (numbers[f"B-{kind}"], number)
    return continued
