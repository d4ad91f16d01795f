"""Cut sentences that are longer than the model can read, so that every word is tagged once."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True)
class Window:
    """A part of a sentence, in words: what is read, and which of it is tagged; the rest is context."""

    read: range
    tagged: range


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
