"""Parts of texts with what is marked in them: cut where they are long, never inside a character.

Places are those of a Python string: code points, from 0.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

SHORT = 320  # characters that are shown at once
FULL = 2000  # characters that are shown on demand; the rest stands in the predictions file
_LEAD = 80  # characters shown before the first mark
_NEAR = 16  # characters in which a blank to cut at is looked for
_JOINERS = ("\N{ZERO WIDTH JOINER}", "\N{VARIATION SELECTOR-16}")
# What a page cannot hold, or what would overwrite the text before it on some screens.
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


@dataclass(frozen=True)
class Mark:
    """The characters from ``start`` to before ``end``, what they are and how that is: ``right``, ``missed``…"""

    start: int
    end: int
    label: str
    kind: str


@dataclass(frozen=True)
class Piece:
    """A stretch of text with what it is marked as, ``kind`` being empty where it is not."""

    text: str
    label: str = ""
    kind: str = ""


@dataclass(frozen=True, kw_only=True)
class Excerpt:
    """What is shown of a text; ``full`` is what is shown on demand, None where nothing was cut.

    ``left_out`` counts the characters that are not even in ``full``.
    """

    short: Sequence[Piece]
    full: Sequence[Piece] | None = None
    left_out: int = 0

    @property
    def size(self) -> int:
        """Return about how many bytes it takes on the page."""
        pieces = (*self.short, *(self.full or ()))
        return sum(byte_size(piece.text) + 60 for piece in pieces)


def make_excerpt(
    text: str, marks: Sequence[Mark] = (), *, around: int | None = None, short: int = SHORT, full: int = FULL
) -> Excerpt:
    """Return the text with its marks, where it is too long about ``around``: the first mark that is not right.

    Marks that are not within the text are left out; of two that overlap, the later loses what they share.
    """
    marks = sorted(_sound(marks, text), key=lambda mark: (mark.start, mark.end))
    if len(text) <= short + _NEAR:
        return Excerpt(short=_pieces(text, marks, 0, len(text)))
    if around is None:
        around = min((mark.start for mark in marks if mark.kind != "right"), default=0)
    start = min(max(0, around - _LEAD), max(0, len(text) - short))
    long_start = min(max(0, start - full // 4), max(0, len(text) - full))
    return Excerpt(
        short=_pieces(text, marks, _cut_place(text, start), _cut_place(text, start + short)),
        full=_pieces(text, marks, _cut_place(text, long_start), _cut_place(text, long_start + full)),
        left_out=max(0, len(text) - full),
    )


def cut(text: str, length: int) -> str:
    """Return the text, or its first ``length`` characters and an ellipsis."""
    return text if len(text) <= length else text[: _cut_place(text, length)].rstrip() + "…"


def visible(text: str) -> str:
    """Return the text with control characters as the signs that stand for them."""
    return _CONTROL.sub(lambda found: chr(0x2400 + ord(found[0])) if found[0] < " " else "\u2421", text)


def byte_size(text: str) -> int:
    """Return how many bytes the text takes on the page, where markup's own signs are written out."""
    return len(text.encode("utf-8", "replace")) + 4 * sum(text.count(sign) for sign in "<>&'\"")


def _sound(marks: Sequence[Mark], text: str) -> list[Mark]:
    return [mark for mark in marks if 0 <= mark.start < mark.end <= len(text)]


def _pieces(text: str, marks: Sequence[Mark], start: int, end: int) -> list[Piece]:
    found = [Piece("…", kind="cut")] if start else []
    place = start
    for mark in marks:
        first, last = max(mark.start, place), min(mark.end, end)
        if first >= last:
            continue
        if first > place:
            found.append(Piece(visible(text[place:first])))
        found.append(Piece(visible(text[first:last]), mark.label, mark.kind))
        place = last
    if place < end:
        found.append(Piece(visible(text[place:end])))
    return [*found, Piece("…", kind="cut")] if end < len(text) else found


def _cut_place(text: str, place: int) -> int:
    """Return a place to cut at: after a blank near before this one, else where no character is torn apart."""
    if place <= 0 or place >= len(text):
        return min(max(place, 0), len(text))
    for near in range(place, max(0, place - _NEAR), -1):
        if text[near - 1].isspace():
            return near
    while place > 0 and (unicodedata.combining(text[place]) or {text[place], text[place - 1]} & {*_JOINERS}):
        place -= 1
    return place
