"""Cut a context into windows that overlap, so that every short answer stands in one of them whole.

The model reads a window of the context at a time, and a span of pieces may be read in several. It is looked
for in one alone, the one with the most context on the lesser of its sides: the rule that BERT's script has
for pieces (``_check_is_max_context``), here for whole spans, so that no span is lost at a border. As all windows of a
context are of one length, that is the window whose centre is nearest to the span's.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Window:
    """The pieces ``start`` to ``stop`` (not included) of a context, read together.

    A span from piece a to piece b, both included, is looked for in the window with
    ``first_sum <= a + b <= last_sum``, which exactly one of a context's windows has.
    """

    start: int
    stop: int
    first_sum: int
    last_sum: int

    def __len__(self) -> int:
        return self.stop - self.start

    def holds(self, first: int, last: int) -> bool:
        """Tell whether the pieces ``first`` to ``last``, both included, are all in this window."""
        return self.start <= first and last < self.stop

    def touches(self, first: int, last: int) -> bool:
        """Tell whether any of the pieces ``first`` to ``last`` is in this window."""
        return first < self.stop and self.start <= last


def choose_overlap(room: int, *, stride: int, max_answer_length: int) -> int:
    """Return how many pieces two windows with so much room share.

    That is ``stride``, half of the room at most; an answer of ``max_answer_length`` pieces must have
    room in what is shared, for which three quarters of the room are given at most.
    """
    return min(max(min(stride, room // 2), max_answer_length), room * 3 // 4)


def cut_context(length: int, *, room: int, overlap: int) -> tuple[Window, ...]:
    """Cut a context of ``length`` pieces into windows of ``room`` pieces, of which two share at least ``overlap``.

    A context that fits is one window. Every span of up to ``overlap`` pieces is whole in the window where
    it is looked for. Raises: ValueError where the room is no larger than the overlap.
    """
    if not 0 <= overlap < room:
        raise ValueError(f"windows with room for {room} pieces cannot share {overlap}")
    if length <= room:
        return (Window(0, length, 0, 2 * length),)
    steps = -(-(length - room) // (room - overlap))
    starts = [number * (length - room) // steps for number in range(steps + 1)]
    windows = []
    first_sum = 0
    for start, following in zip(starts, [*starts[1:], None], strict=True):
        # The centres, doubled, are start + stop - 1; half way between two of them one window ends.
        last_sum = 2 * length if following is None else start + following + room - 1
        windows.append(Window(start, start + room, first_sum, last_sum))
        first_sum = last_sum + 1
    return tuple(windows)
