"""Cut text that is longer than the model can read, so that every word is tagged once, with context around it."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True)
class Window:
    """A part of a text, in words: what is read, and which of it is tagged; the rest is context."""

    read: range
    tagged: range

    def moved(self, words: int) -> Window:
        """Return this window as many words further on."""
        read, tagged = self.read, self.tagged
        return Window(
            range(read.start + words, read.stop + words), range(tagged.start + words, tagged.stop + words)
        )


def cut_windows(lengths: Sequence[int], *, capacity: int) -> list[Window]:
    """Cover a sentence with windows of at most ``capacity`` pieces, cut between words.

    ``lengths`` counts the pieces of each word, at least 1 each; a word beyond the capacity counts as the
    capacity, which is what a window reads of it. Every word is tagged in exactly one window, with up to
    a quarter of the capacity as context on each side. No words give no window.
    """
    cut = [min(length, capacity) for length in lengths]
    ends = [0, *accumulate(cut)]  # ends[i]: pieces before word i
    windows: list[Window] = []
    tagged = 0  # words tagged so far
    while tagged < len(cut):
        start = tagged
        room = min(capacity // 4, capacity - cut[tagged])
        while start > 0 and ends[tagged] - ends[start - 1] <= room:
            start -= 1
        stop = tagged + 1
        while stop < len(cut) and ends[stop + 1] - ends[start] <= capacity:
            stop += 1
        last = stop
        if stop < len(cut):
            while last > tagged + 1 and ends[stop] - ends[last - 1] <= capacity // 4:
                last -= 1
        windows.append(Window(range(start, stop), range(tagged, last)))
        tagged = last
    return windows


def cut_document(sentences: Sequence[Sequence[int]], *, capacity: int, separator: int = 0) -> list[Window]:
    """Cover a document with windows of at most ``capacity`` pieces that tag whole sentences.

    ``sentences`` holds the pieces of each word of each sentence, at least one word each; ``separator``
    counts the pieces that stand between two sentences of a window. The words of a window are counted
    through the document. A window tags as many sentences as leave a quarter of the capacity on each side
    for context, or all there is on a side that has less; a document that fits is one window. What room is
    left is shared evenly between both sides, and a side that cannot fill its half leaves it to the other;
    context may begin and end inside a sentence. A sentence beyond the capacity is cut by ``cut_windows``.
    """
    starts = [0, *accumulate(map(len, sentences))]  # starts[i]: words before sentence i
    # A separator counts with the word after it; the one before a window's first word is not read.
    words = [
        min(length, capacity) + (separator if place == 0 and number > 0 else 0)
        for number, sentence in enumerate(sentences)
        for place, length in enumerate(sentence)
    ]
    ends = [0, *accumulate(words)]  # ends[i]: pieces before word i, the separator before it not included
    windows: list[Window] = []
    first = 0  # sentences tagged so far
    while first < len(sentences):
        begin = starts[first]
        leading = separator if first else 0  # pieces between the context on the left and what is tagged
        stop = first + 1
        if ends[starts[stop]] - ends[begin] - leading > capacity:
            alone = cut_windows(sentences[first], capacity=capacity)
            windows += [window.moved(begin) for window in alone]
        else:
            left = min(capacity // 4, ends[begin] + leading)
            while stop < len(sentences):
                right = min(capacity // 4, ends[-1] - ends[starts[stop + 1]])
                if left + ends[starts[stop + 1]] - ends[begin] - leading + right > capacity:
                    break
                stop += 1
            windows.append(_fill(ends, range(begin, starts[stop]), leading=leading, capacity=capacity))
        first = stop
    return windows


def _fill(ends: Sequence[int], tagged: range, *, leading: int, capacity: int) -> Window:
    """Put as much of the document around the tagged words as there is room for."""
    begin, end = tagged.start, tagged.stop
    room = capacity - (ends[end] - ends[begin] - leading)
    left = max(room // 2, room - (ends[-1] - ends[end]))
    start = bisect_left(ends, ends[begin] + leading - left, 0, begin)
    room -= ends[begin] - ends[start] + leading if start < begin else 0
    stop = bisect_right(ends, ends[end] + room, end) - 1
    return Window(range(start, stop), tagged)
