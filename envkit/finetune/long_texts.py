"""What a model reads of a text longer than its window: all of it in parts, its two ends, or its beginning."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from envkit.finetune.inputs import Encoded, InputTemplate

LongText = Literal["window", "head-tail", "truncate"]

_OVERLAP = 0.25  # of a window, which it shares at least with the next
# Head and tail as 128 to 382 of 510 pieces: Sun et al., How to Fine-Tune BERT for Text Classification, 2019.
_HEAD = 0.25


def cut_text(
    first: Sequence[int],
    second: Sequence[int] | None = None,
    *,
    template: InputTemplate,
    window: int,
    long_text: LongText = "window",
) -> tuple[Encoded, ...]:
    """Return the inputs of at most ``window`` pieces, special ones included, in which a text is read.

    ``first`` and ``second`` are the pieces of a text, or of the two of a pair. ``window`` gives as many
    inputs as are needed for every piece to be in one, each sharing at least a quarter with the next;
    ``head-tail`` and ``truncate`` give one. Of a pair, a text of at most half the room is in every input
    whole, beside the windows of the other; of two longer ones the windows go side by side.
    Raises: ValueError for a window that holds no piece of a text beside the special ones.
    """
    if second is None:
        room = _check(template.room_single(window), 1, window)
        parts = _cut(first, room=room, long_text=long_text)
        return tuple(template.single(part) for part in parts)
    room = _check(template.room_pair(window), 2, window)
    first_room, second_room = _share(len(first), len(second), room=room)
    if long_text != "window":
        (only,) = _cut(first, room=first_room, long_text=long_text)
        (other,) = _cut(second, room=second_room, long_text=long_text)
        return (template.pair(only, other),)
    count = max(_windows(len(first), first_room), _windows(len(second), second_room))
    return tuple(
        template.pair(one, other)
        for one, other in zip(
            _spread(first, room=first_room, count=count),
            _spread(second, room=second_room, count=count),
            strict=True,
        )
    )


def lost_pieces(
    first: int, second: int | None = None, *, template: InputTemplate, window: int, long_text: LongText
) -> int:
    """Return how many pieces of a text, or a pair, of these lengths no input of ``cut_text`` holds."""
    if long_text == "window":
        return 0
    if second is None:
        return max(0, first - template.room_single(window))
    return max(0, first + second - template.room_pair(window))


def _check(room: int, least: int, window: int) -> int:
    if room < least:
        raise ValueError(f"a window of {window} pieces holds nothing beside the special ones")
    return room


def _share(first: int, second: int, *, room: int) -> tuple[int, int]:
    """Return the room of each text of a pair: a short one gets what it needs, else both get half."""
    half = room // 2
    if first <= half:
        return first, room - first
    if second <= room - half:
        return room - second, second
    return half, room - half


def _cut(pieces: Sequence[int], *, room: int, long_text: LongText) -> list[Sequence[int]]:
    """Return what is read of one text, in parts of at most ``room`` pieces."""
    if len(pieces) <= room:
        return [pieces]
    if long_text == "truncate":
        return [pieces[:room]]
    if long_text == "head-tail":
        head = round(room * _HEAD)
        return [(*pieces[:head], *pieces[len(pieces) - (room - head) :])]
    return _spread(pieces, room=room, count=_windows(len(pieces), room))


def _windows(length: int, room: int) -> int:
    """Return how many windows of this room cover a text of this length."""
    if length <= room:
        return 1
    overlap = math.floor(room * _OVERLAP)
    return math.ceil((length - overlap) / (room - overlap))


def _spread(pieces: Sequence[int], *, room: int, count: int) -> list[Sequence[int]]:
    """Return so many windows at even distances: none is short, so that each deserves its equal say."""
    last = max(0, len(pieces) - room)
    starts = [round(number * last / max(1, count - 1)) for number in range(count)]
    return [pieces[start : start + room] for start in starts]
