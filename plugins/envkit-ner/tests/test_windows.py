import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from envkit_ner.windows import Window, cut_windows

LENGTHS = st.lists(st.integers(1, 12), max_size=60)


@settings(deadline=None)  # a busy machine may take its time
@given(lengths=LENGTHS, capacity=st.integers(1, 20))
def test_cut_windows_tag_every_word_once_and_fit(lengths: list[int], capacity: int) -> None:
    windows = cut_windows(lengths, capacity=capacity)
    assert [word for window in windows for word in window.tagged] == list(range(len(lengths)))
    for window in windows:
        assert set(window.tagged) <= set(window.read)
        assert sum(min(lengths[word], capacity) for word in window.read) <= capacity


@settings(deadline=None)  # a busy machine may take its time
@given(number=st.integers(1, 200), capacity=st.integers(8, 64))
def test_cut_windows_give_every_word_context_on_both_sides(number: int, capacity: int) -> None:
    context = capacity // 4
    for window in cut_windows([1] * number, capacity=capacity):
        assert window.tagged.start - window.read.start == min(context, window.tagged.start)
        assert window.read.stop - window.tagged.stop == min(context, number - window.tagged.stop)


@pytest.mark.parametrize(
    ("lengths", "capacity", "windows"),
    [
        ([], 4, []),
        ([1, 2, 1], 4, [Window(range(3), range(3))]),
        ([9], 4, [Window(range(1), range(1))]),
        (
            [1, 9, 1],
            4,
            [Window(range(1), range(1)), Window(range(1, 2), range(1, 2)), Window(range(2, 3), range(2, 3))],
        ),
    ],
)
def test_cut_windows_of_short_and_giant_words(
    lengths: list[int], capacity: int, windows: list[Window]
) -> None:
    assert cut_windows(lengths, capacity=capacity) == windows
