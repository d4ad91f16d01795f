from __future__ import annotations

from itertools import pairwise, product
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from envkit_ner.decode import Decoder, Found, find_best_path, find_continued
from envkit_ner.examples import Example, Part

if TYPE_CHECKING:
    from collections.abc import Sequence

LABELS = ("O", "B-X", "I-X", "I-Y", "B-Y")
SCORE = st.integers(-16, 16).map(lambda number: number / 8)  # whose sums are exact
SENTENCE = st.lists(st.lists(SCORE, min_size=5, max_size=5), min_size=1, max_size=5)


def is_valid(tags: Sequence[str]) -> bool:
    """Tell whether every I-X stands behind a B-X or an I-X."""
    return all(
        not tag.startswith("I") or before in (f"B{tag[1:]}", tag) for before, tag in pairwise(("", *tags))
    )


def best_of(scores: Sequence[Sequence[float]]) -> tuple[int, ...]:
    """Return the best label of each word; of equals the first, as torch does on a CPU."""
    return tuple(max(range(len(row)), key=row.__getitem__) for row in scores)


def sum_of(scores: Sequence[Sequence[float]], labels: Sequence[int]) -> float:
    return sum(row[label] for row, label in zip(scores, labels, strict=True))


@given(SENTENCE)
def test_find_best_path_is_the_best_of_all_valid_ones(scores: list[list[float]]) -> None:
    path = find_best_path(scores, continued=find_continued(LABELS))
    valid = [
        labels
        for labels in product(range(5), repeat=len(scores))
        if is_valid([LABELS[label] for label in labels])
    ]
    assert tuple(path) in valid
    assert sum_of(scores, path) == max(sum_of(scores, labels) for labels in valid)


@given(SENTENCE)
def test_find_best_path_where_the_best_labels_are_valid_scores_as_they_do(scores: list[list[float]]) -> None:
    best = best_of(scores)
    assume(is_valid([LABELS[label] for label in best]))
    assert sum_of(scores, find_best_path(scores, continued=find_continued(LABELS))) == sum_of(scores, best)


@given(st.lists(st.lists(st.floats(), min_size=5, max_size=5), min_size=1, max_size=8))
def test_find_best_path_of_any_numbers_is_valid(scores: list[list[float]]) -> None:
    path = find_best_path(scores, continued=find_continued(LABELS))
    assert is_valid([LABELS[label] for label in path])


@given(st.lists(SENTENCE, min_size=1, max_size=4), st.data())
def test_decoder_gives_the_same_tags_however_sentences_are_cut_and_ordered(
    sentences: list[list[list[float]]], data: st.DataObject
) -> None:
    whole, pieces = Decoder(LABELS), Decoder(LABELS)
    parts = []
    for number, scores in enumerate(sentences):
        rows = tuple(map(tuple, scores))
        whole.add([Found(Part(number, range(len(rows)), len(rows)), best_of(rows), rows)])
        cuts = data.draw(st.sets(st.integers(1, len(rows)))) | {0, len(rows)}
        for start, stop in pairwise(sorted(cuts)):
            part = Part(number, range(start, stop), len(rows))
            parts.append(Found(part, best_of(rows[start:stop]), rows[start:stop]))
    for one in data.draw(st.permutations(parts)):
        pieces.add([one])
    assert pieces.tags() == whole.tags()
    assert all(map(is_valid, whole.tags()))
    for tags, scores in zip(whole.tags(), sentences, strict=True):
        best = [LABELS[label] for label in best_of(scores)]
        assert list(tags) == best or not is_valid(best)


@pytest.mark.parametrize("missing", [0, 1, 2])
def test_decoder_that_lacks_words_says_of_which_sentence(missing: int) -> None:
    found = [
        Found(Part(0, range(1), 1), (0,), ()),
        Found(Part(1, range(1), 2), (0,), ((1.0, 0.0, 0.0, 0.0, 0.0),)),
        Found(Part(1, range(1, 2), 2), (0,), ((1.0, 0.0, 0.0, 0.0, 0.0),)),
    ]
    decoder = Decoder(LABELS)
    decoder.add(found[:missing] + found[missing + 1 :])
    with pytest.raises(ValueError, match=f"sentence {min(missing, 1)}"):
        decoder.tags()


@pytest.mark.parametrize(
    ("labels", "problem"),
    [
        (("O", "I-X"), "I-X, but no B-X"),
        (("O", "B-X", "I-X", "E-X"), "'E-X' is not of IOB2"),
        (("O", "B-"), "'B-' is not of IOB2"),
        (("LABEL_0",), "'LABEL_0' is not of IOB2"),
    ],
)
def test_decoder_of_labels_that_are_not_iob2_is_refused(labels: tuple[str, ...], problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        Decoder(labels)


def decode(sentences: list[list[list[float]]], cuts: list[int], size: int) -> tuple[Any, list[Any]]:
    """Decode by way of batches of ``size`` examples that label at most ``cuts[sentence]`` words each."""
    import torch

    from envkit_ner.batches import make_batch

    examples: list[Example] = []
    for number, scores in enumerate(sentences):
        step = cuts[number % len(cuts)]
        for start in range(0, len(scores), step):
            words = range(start, min(start + step, len(scores)))
            part = Part(number, words, len(scores))
            zeros = (0,) * len(words)
            # A piece before each word, and a place that is none of a word's at the end.
            examples.append(
                Example("", (7, 8) * len(words) + (9,), tuple(range(1, 2 * len(words), 2)), zeros, (part,))
            )
    decoder = Decoder(LABELS)
    found = []
    for start in range(0, len(examples), size):
        rows = examples[start : start + size]
        batch = make_batch(rows, pad=0, device=torch.device("cpu"))
        logits = torch.full((*batch.labels.shape, 5), 99.0)  # what stands elsewhere is not to be looked at
        for row, example in enumerate(rows):
            (part,) = example.parts
            for place, word in zip(example.places, part.words, strict=True):
                logits[row, place] = torch.tensor(sentences[part.sentence][word])
        found.append(decoder.reduce(logits, batch))
        decoder.add(found[-1])
    return decoder, [one for of_batch in found for one in of_batch]


@pytest.mark.torch
@given(
    st.lists(SENTENCE, min_size=1, max_size=4),
    st.lists(st.integers(1, 5), min_size=1, max_size=4),
    st.integers(1, 4),
)
def test_decoder_of_batches_gives_the_same_tags_however_they_are_cut(
    sentences: list[list[list[float]]], cuts: list[int], size: int
) -> None:
    whole, _ = decode(sentences, [5], 100)
    cut, _ = decode(sentences, cuts, size)
    assert cut.tags() == whole.tags()
    assert all(map(is_valid, whole.tags()))


@pytest.mark.torch
def test_decoder_brings_scores_of_unclear_sentences_alone() -> None:
    def scores(*tags: str) -> list[list[float]]:
        return [[float(label == tag) for label in LABELS] for tag in tags]

    sentences = [scores("B-X", "I-X", "O"), scores("O", "I-Y"), scores("B-X", "I-X", "O", "O", "O")]
    decoder, found = decode(sentences, [4], 2)
    assert [(one.part.sentence, len(one.best), len(one.scores)) for one in found] == [
        (0, 3, 0),
        (1, 2, 2),
        (2, 4, 4),
        (2, 1, 1),
    ]
    # "O I-Y" becomes what loses least: each of these loses one.
    assert decoder.tags()[0] == ("B-X", "I-X", "O")
    assert decoder.tags()[1] in (("B-Y", "I-Y"), ("O", "O"), ("O", "B-X"), ("O", "B-Y"))
    assert decoder.tags()[2] == ("B-X", "I-X", "O", "O", "O")
