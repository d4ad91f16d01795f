from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from envkit.data.check.padding import Padding, Step, measure_padding

STEPS = st.one_of(st.builds(Step, rows=st.integers(1, 64)), st.builds(Step, tokens=st.integers(8, 2048)))


def test_measure_padding_of_rows_of_one_length_is_none() -> None:
    assert measure_padding([7] * 100, Step(rows=8)) == Padding(1.0, 1.0)


def test_measure_padding_of_no_rows_is_none() -> None:
    assert measure_padding([], Step(tokens=512)) == Padding(1.0, 1.0)


def test_measure_padding_grouped_costs_less_where_lengths_differ_much() -> None:
    padding = measure_padding([5, 100] * 300, Step(rows=10))

    assert padding.random > 1.7
    assert padding.grouped < 1.05


@given(lengths=st.lists(st.integers(1, 300), min_size=1, max_size=400), step=STEPS)
def test_measure_padding_is_never_less_than_the_real_pieces(lengths: list[int], step: Step) -> None:
    padding = measure_padding(lengths, step)

    assert padding.random >= 1
    assert 1 <= padding.grouped <= max(lengths)
    assert padding == measure_padding(lengths, step)
