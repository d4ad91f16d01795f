from __future__ import annotations

from itertools import chain, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envkit.finetune.inputs import Around, InputTemplate
from envkit.finetune.long_texts import LongText, cut_text, lost_pieces

# As BERT's: [CLS] a [SEP] and [CLS] a [SEP] b [SEP], with the special pieces -1, -2 and -3.
ONE = Around((-1,), (), (-3,), ((0,), (0,), (), (), (0,)))
TWO = Around((-1,), (-2,), (-3,), ((0,), (0,), (0,), (1,), (1,)))
TEMPLATE = InputTemplate(ONE, TWO, has_types=True)


def texts_of(pieces: tuple[int, ...]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return what of the first text and of the second is in an input."""
    middle = pieces.index(-2) if -2 in pieces else len(pieces) - 1
    return pieces[1:middle], pieces[middle + 1 : -1]


@given(length=st.integers(0, 300), window=st.integers(8, 64))
def test_windows_of_a_text_hold_every_piece_and_share_a_quarter(length: int, window: int) -> None:
    cut = cut_text(range(length), template=TEMPLATE, window=window)
    parts = [texts_of(one.pieces)[0] for one in cut]
    assert all(len(one.pieces) <= window for one in cut)
    assert set(chain.from_iterable(parts)) == set(range(length))
    assert all(part == tuple(range(part[0], part[0] + len(part))) for part in parts if part)
    room = TEMPLATE.room_single(window)
    assert all(len(set(one) & set(two)) >= room // 4 for one, two in pairwise(parts))
    assert len(parts) == 1 or {len(part) for part in parts} == {room}


@given(first=st.integers(0, 200), second=st.integers(0, 200), window=st.integers(8, 64))
def test_windows_of_a_pair_hold_every_piece_of_both(first: int, second: int, window: int) -> None:
    ones, others = range(first), range(1000, 1000 + second)
    cut = cut_text(ones, others, template=TEMPLATE, window=window)
    assert all(len(one.pieces) <= window for one in cut)
    found = [texts_of(one.pieces) for one in cut]
    assert set(chain.from_iterable(one for one, _ in found)) == set(ones)
    assert set(chain.from_iterable(other for _, other in found)) == set(others)
    assert lost_pieces(first, second, template=TEMPLATE, window=window, long_text="window") == 0
    room = TEMPLATE.room_pair(window)
    if min(first, second) <= room // 2:  # a short one is beside every part of the other
        short = min((ones, others), key=len)
        assert all(set(short) <= set(one) | set(other) for one, other in found)


@pytest.mark.parametrize("long_text", ["head-tail", "truncate"])
@given(first=st.integers(0, 120), second=st.none() | st.integers(0, 120), window=st.integers(8, 64))
def test_one_input_of_a_long_text_lacks_as_many_pieces_as_are_said_to_be_lost(
    long_text: LongText, first: int, second: int | None, window: int
) -> None:
    (only,) = cut_text(
        range(first),
        None if second is None else range(second),
        template=TEMPLATE,
        window=window,
        long_text=long_text,
    )
    kept = sum(map(len, texts_of(only.pieces)))
    lost = lost_pieces(first, second, template=TEMPLATE, window=window, long_text=long_text)
    assert len(only.pieces) <= window
    assert kept + lost == first + (second or 0)


def test_truncate_keeps_the_beginning_and_head_tail_a_quarter_of_it_and_the_end() -> None:
    for long_text, kept in {"truncate": [*range(16)], "head-tail": [*range(4), *range(88, 100)]}.items():
        (one,) = cut_text(range(100), template=TEMPLATE, window=18, long_text=long_text)  # type: ignore[arg-type]  # a key of the table
        assert one.pieces == (-1, *kept, -3)


def test_short_text_is_one_input_with_its_types() -> None:
    (one,) = cut_text([7, 8], [9], template=TEMPLATE, window=8)
    assert one.pieces == (-1, 7, 8, -2, 9, -3)
    assert one.types == (0, 0, 0, 0, 1, 1)


def test_window_without_room_for_a_text_is_refused() -> None:
    with pytest.raises(ValueError, match="window of 2 pieces"):
        cut_text([1], template=TEMPLATE, window=2)
