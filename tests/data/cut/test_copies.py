from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envkit.data.cut.copies import copy_keys, plain_text, stratify_texts
from envkit.data.cut.dev import cut_texts, share_texts
from envkit.data.cut.stratify import Shares, stratify
from envkit.data.rows import TextRow

SHARES = Shares(dev=0.2, test=0.1)
SIZES = st.lists(st.tuples(st.sampled_from("abc"), st.integers(1, 6)), min_size=12, max_size=60)


def rows_of(sizes: list[tuple[str, int]]) -> tuple[list[str], list[int]]:
    """Return label and text of each row, for texts that have a label and so many copies."""
    rows = [(label, text) for text, (label, count) in enumerate(sizes) for _ in range(count)]
    return [label for label, _ in rows], [text for _, text in rows]


@pytest.mark.slow
@given(sizes=SIZES, seed=st.integers(0, 99))
def test_stratify_texts_keeps_copies_together_and_every_label_in_train(
    sizes: list[tuple[str, int]], seed: int
) -> None:
    labels, texts = rows_of(sizes)

    drawn = stratify_texts(labels, texts, SHARES, seed=seed)

    assert len(set(zip(texts, drawn, strict=True))) == len(sizes)
    assert {label for label, split in zip(labels, drawn, strict=True) if split == "train"} == set(labels)
    assert set(drawn) == {"train", "dev", "test"}
    assert drawn == stratify_texts(labels, texts, SHARES, seed=seed)
    for split, share in SHARES.parts():
        assert Counter(drawn)[split] <= share * len(texts) + 6


@given(labels=st.lists(st.sampled_from("aab"), min_size=6, max_size=60), seed=st.integers(0, 9))
def test_stratify_texts_without_copies_draws_as_stratify(labels: list[str], seed: int) -> None:
    drawn = stratify_texts(labels, range(len(labels)), SHARES, seed=seed)

    assert drawn == stratify(labels, SHARES, seed=seed)


def test_stratify_texts_with_few_copies_keeps_shares_and_labels_even() -> None:
    labels = ["a", "b"] * 200
    texts = [number // 4 if number < 40 else number for number in range(400)]

    drawn = stratify_texts(labels, texts, Shares(dev=0.1), seed=3)

    assert Counter(drawn)["dev"] == 40
    assert all(abs(Counter(zip(labels, drawn, strict=True))[label, "dev"] - 20) <= 4 for label in ("a", "b"))


def test_stratify_texts_of_doubled_rows_in_many_small_labels_still_fills_dev() -> None:
    labels, texts = rows_of([(f"label {number % 100}", 2) for number in range(500)])

    assert Counter(stratify_texts(labels, texts, Shares(dev=0.1), seed=0))["dev"] == 100


def test_stratify_texts_larger_than_the_share_gives_one_whole() -> None:
    labels, texts = rows_of([("a", 10), ("a", 10), ("b", 10), ("b", 10), ("b", 10)])

    assert Counter(stratify_texts(labels, texts, Shares(dev=0.02), seed=0)) == {"train": 40, "dev": 10}


def test_cut_texts_of_one_text_a_label_divides_copies_and_says_so() -> None:
    rows = [TextRow(text, (label,), "x") for label, text in (("a", "good"), ("b", "bad")) for _ in range(10)]

    train, dev = cut_texts(rows, [row.labels[0] for row in rows], seed=1, share=0.1)

    assert (len(train), len(dev)) == (18, 2)
    assert share_texts(train, dev)


@pytest.mark.parametrize(
    ("one", "other", "are_copies"),
    [
        (("A  film ",), ("a film",), True),
        (("a film",), ("a film!",), False),
        (("a film", None), ("a film",), True),
        (("a", "b"), ("a", "c"), False),
    ],
)
def test_plain_text_leaves_case_and_blanks_aside(
    one: tuple[str | None, ...], other: tuple[str | None, ...], are_copies: bool
) -> None:
    assert (plain_text(*one) == plain_text(*other)) == are_copies


# Case, blanks of all kinds, signs that fold to letters of ASCII or to several letters, and half a pair.
SIGNS = st.sampled_from("aAbB \t\n\x1c\x85\xa0\u2003\u212a\u00df\ufb01kKsfi\ud800")


@given(texts=st.lists(st.text(SIGNS, max_size=5), max_size=12))
def test_copy_keys_are_the_same_where_the_plain_texts_are(texts: list[str]) -> None:
    keys = copy_keys(texts)

    plain = list(map(plain_text, texts))
    assert [[key == other for other in keys] for key in keys] == [
        [text == other for other in plain] for text in plain
    ]
