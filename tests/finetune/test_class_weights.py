from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envkit.finetune.class_weights import balanced_weights


@given(st.lists(st.integers(0, 10_000), min_size=1).filter(any))
def test_balanced_weights_are_1_in_the_mean_of_the_rows_and_equal_over_classes(counts: list[int]) -> None:
    weights = balanced_weights(counts)
    totals = [count * weight for count, weight in zip(counts, weights, strict=True)]
    assert sum(totals) == pytest.approx(sum(counts))
    there = [total for total, count in zip(totals, counts, strict=True) if count]
    assert there == pytest.approx([there[0]] * len(there))


@pytest.mark.parametrize(
    ("counts", "weights"), [([5, 5], [1, 1]), ([1, 3], [2, 2 / 3]), ([2, 0, 2], [1, 0, 1])], ids=str
)
def test_balanced_weights_of_a_few_classes(counts: list[int], weights: list[float]) -> None:
    assert balanced_weights(counts) == pytest.approx(weights)
