import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from envkit_ner.windows import Window, cut_document, cut_windows

LENGTHS = st.lists(st.integers(1, 12), max_size=60)
DOCUMENTS = st.lists(st.lists(st.integers(1, 12), min_size=1, max_size=20), max_size=20)


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


def pieces_read(document: list[list[int]], window: Window, *, capacity: int, separator: int) -> int:
    """Count the pieces of a window's words and of the separators between its sentences."""
    words = [(place, length) for sentence in document for place, length in enumerate(sentence)]
    inside = [words[index] for index in window.read]
    borders = sum(place == 0 for place, _ in inside[1:])
    return sum(min(length, capacity) for _, length in inside) + separator * borders


@settings(deadline=None)  # a busy machine may take its time
@given(document=DOCUMENTS, capacity=st.integers(1, 80), separator=st.integers(0, 2))
def test_cut_document_tags_every_word_once_and_fits(
    document: list[list[int]], capacity: int, separator: int
) -> None:
    windows = cut_document(document, capacity=capacity, separator=separator)
    assert [word for window in windows for word in window.tagged] == list(range(sum(map(len, document))))
    for window in windows:
        assert set(window.tagged) <= set(window.read)
        assert pieces_read(document, window, capacity=capacity, separator=separator) <= capacity


@settings(deadline=None)  # a busy machine may take its time
@given(document=DOCUMENTS, capacity=st.integers(1, 80), separator=st.integers(0, 2))
def test_cut_document_tags_a_sentence_that_fits_in_one_window(
    document: list[list[int]], capacity: int, separator: int
) -> None:
    windows = cut_document(document, capacity=capacity, separator=separator)
    borders = {window.tagged.start for window in windows}
    start = 0
    for sentence in document:
        inside = range(start + 1, start + len(sentence))
        if sum(min(length, capacity) for length in sentence) <= capacity:
            assert not borders & set(inside)
        start += len(sentence)


@settings(deadline=None)  # a busy machine may take its time
@given(sizes=st.lists(st.integers(1, 30), min_size=1, max_size=30), capacity=st.integers(30, 90))
def test_cut_document_fills_its_windows_with_context_shared_between_both_sides(
    sizes: list[int], capacity: int
) -> None:
    number = sum(sizes)
    for window in cut_document([[1] * size for size in sizes], capacity=capacity):
        before, after = window.tagged.start, number - window.tagged.stop
        half = (capacity - len(window.tagged)) // 2
        assert len(window.read) == min(number, capacity)
        assert window.tagged.start - window.read.start >= min(half, before)
        assert window.read.stop - window.tagged.stop >= min(half, after)


@pytest.mark.parametrize(
    ("sizes", "separator", "windows"),
    [
        ([], 0, []),
        ([3, 5], 0, [Window(range(8), range(8))]),  # it fits: tagged and read at once
        ([3, 4], 1, [Window(range(7), range(7))]),
        ([3, 5], 1, [Window(range(7), range(3)), Window(range(1, 8), range(3, 8))]),
        ([8, 8], 0, [Window(range(8), range(8)), Window(range(8, 16), range(8, 16))]),
        # The first keeps 2 words behind it; the second, last, has all its room for what stands before it.
        ([4, 2, 3], 0, [Window(range(8), range(6)), Window(range(1, 9), range(6, 9))]),
        (
            [2, 2, 2, 2, 2, 2],
            0,
            [
                Window(range(8), range(6)),
                Window(range(4, 12), range(6, 12)),
            ],
        ),
        # A sentence beyond the capacity is cut inside itself.
        (
            [1, 9, 1],
            0,
            [
                Window(range(8), range(1)),
                Window(range(1, 9), range(1, 7)),
                Window(range(5, 10), range(7, 10)),
                Window(range(3, 11), range(10, 11)),
            ],
        ),
    ],
)
def test_cut_document_of_eight_pieces_a_window(
    sizes: list[int], separator: int, windows: list[Window]
) -> None:
    assert cut_document([[1] * size for size in sizes], capacity=8, separator=separator) == windows
