from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envkit_qa.windows import Window, choose_overlap, cut_context

LENGTHS = st.integers(0, 300)
ROOMS = st.integers(1, 80)


@given(length=LENGTHS, room=ROOMS, share=st.floats(0, 0.99))
def test_cut_context_reads_every_piece_in_windows_of_one_length(length: int, room: int, share: float) -> None:
    overlap = int(room * share)
    windows = cut_context(length, room=room, overlap=overlap)
    assert windows[0].start == 0
    assert windows[-1].stop == length
    assert {len(window) for window in windows} == {min(room, length)}
    for before, window in pairwise(windows):
        assert before.stop - window.start >= overlap


@given(length=st.integers(1, 120), room=st.integers(1, 40), share=st.floats(0, 0.99))
def test_cut_context_looks_for_every_short_span_once_where_it_has_most_context(
    length: int, room: int, share: float
) -> None:
    overlap = int(room * share)
    windows = cut_context(length, room=room, overlap=overlap)

    def context(window: Window, first: int, last: int) -> int:
        return min(first - window.start, window.stop - 1 - last)

    for first in range(length):
        for last in range(first, min(length, first + max(1, overlap))):
            (owner,) = [window for window in windows if window.first_sum <= first + last <= window.last_sum]
            if overlap or len(windows) == 1:
                assert owner.holds(first, last)
            assert context(owner, first, last) == max(context(window, first, last) for window in windows)


@pytest.mark.parametrize(
    ("length", "room", "overlap", "windows"),
    [
        (0, 4, 2, [Window(0, 0, 0, 0)]),
        (4, 4, 2, [Window(0, 4, 0, 8)]),
        (5, 4, 2, [Window(0, 4, 0, 4), Window(1, 5, 5, 10)]),
        (8, 4, 2, [Window(0, 4, 0, 5), Window(2, 6, 6, 9), Window(4, 8, 10, 16)]),
    ],
)
def test_cut_context_of_few_pieces(length: int, room: int, overlap: int, windows: list[Window]) -> None:
    assert list(cut_context(length, room=room, overlap=overlap)) == windows


@pytest.mark.parametrize(("room", "overlap"), [(0, 0), (4, 4), (4, -1)])
def test_cut_context_that_would_not_move_on_is_refused(room: int, overlap: int) -> None:
    with pytest.raises(ValueError, match="cannot share"):
        cut_context(9, room=room, overlap=overlap)


@pytest.mark.parametrize(
    ("room", "stride", "longest", "overlap"),
    [
        (360, 128, 30, 128),
        (360, 0, 30, 30),
        (360, 300, 30, 180),
        (45, 128, 30, 30),
        (31, 128, 30, 23),
        (1, 128, 30, 0),
    ],
)
def test_choose_overlap_gives_answers_room_and_windows_a_step(
    room: int, stride: int, longest: int, overlap: int
) -> None:
    assert choose_overlap(room, stride=stride, max_answer_length=longest) == overlap


@pytest.mark.parametrize(
    ("first", "last", "is_held", "is_touched"),
    [
        (4, 7, True, True),
        (3, 4, False, True),
        (7, 8, False, True),
        (8, 9, False, False),
        (2, 3, False, False),
    ],
)
def test_window_says_what_it_holds_and_touches(
    first: int, last: int, is_held: bool, is_touched: bool
) -> None:
    window = Window(4, 8, 0, 99)
    assert window.holds(first, last) is is_held
    assert window.touches(first, last) is is_touched
