"""Turn entities given as characters of a text into tags of its words, and back.

The words of a text that comes without them are found by a rule that a person can foresee: letters, digits and
``_`` that touch are a word, a number keeps its points and commas (``1,250.5``), and every other character that
is no blank stands alone. Scripts that put no blanks between words (Chinese, Japanese, Thai, Lao, Khmer,
Burmese) give each character as a word, with the marks that belong to it.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING, Literal, NamedTuple

from envkit.data.tag_schemes import OUTSIDE, find_spans

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

Align = Literal["error", "expand", "drop"]
Offsets = tuple[tuple[int, int], ...]  # of each word: its first character, and the one behind its last

_NO_BLANKS = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff"  # Thai, Lao, Burmese, Khmer
    "\u3005\u3007\u3041-\u30ff\u31f0-\u31ff\uff66-\uff9f"  # Japanese
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"  # Chinese characters
)
_WORD = re.compile(rf"\d+(?:[.,]\d+)+\b|[{_NO_BLANKS}]|[^\W{_NO_BLANKS}]+|\S")
_LETTER = re.compile(rf"[^\W{_NO_BLANKS}]")
_JOINERS = "\u200c\u200d"  # between the letters of one word
_SHOWN = 40  # characters of a text in a message


class TextSpan(NamedTuple):
    """An entity: its first character (from 0), the one behind its last, and its type."""

    start: int
    end: int
    label: str


@dataclass(frozen=True, slots=True)
class SpanProblem:
    """Why a span is not what it seems: ``kind`` says in what."""

    kind: Literal["range", "blank", "border", "overlap", "text"]
    span: TextSpan
    message: str


@dataclass(frozen=True, slots=True)
class TaggedWords:
    """IOB2 tags of the words of a text, and what had to be said of its spans.

    ``problems`` tells of spans that are left out, or would be wrong as they stand; ``trimmed`` counts those
    that had blanks at a border, which mean nothing.
    """

    tags: tuple[str, ...]
    problems: tuple[SpanProblem, ...]
    trimmed: int


def find_words(text: str) -> Offsets:
    """Return where the words of a text stand, by the rule of this module."""
    offsets = [match.span() for match in _WORD.finditer(text)]
    return tuple(offsets) if text.isascii() else _join_marks(text, offsets)


def _join_marks(text: str, offsets: Iterable[tuple[int, int]]) -> Offsets:
    """Put vowel signs, accents and joiners to the letters that they belong to: for ``re`` they are no letters."""
    joined: list[tuple[int, int]] = []
    is_open = False  # the word so far ends in a mark, behind which its letters may go on
    for start, end in offsets:
        is_mark = unicodedata.category(text[start])[0] == "M" or text[start] in _JOINERS
        touches = bool(joined) and joined[-1][1] == start
        if touches and (is_mark or (is_open and _is_letter(text[start]))):
            joined[-1] = (joined[-1][0], end)
        else:
            joined.append((start, end))
        is_open = is_mark and _is_letter(text[joined[-1][0]])
    return tuple(joined)


def _is_letter(character: str) -> bool:
    return _LETTER.fullmatch(character) is not None


def word_offsets(words: Iterable[str]) -> Offsets:
    """Return where words stand in the text that they make, joined by single blanks."""
    ends = accumulate((len(word) + 1 for word in words), initial=0)
    return tuple((start, end - 1) for start, end in pairwise(ends))


def tag_words(
    spans: Iterable[TextSpan], offsets: Offsets, *, text: str, align: Align = "error"
) -> TaggedWords:
    """Tag the words at these offsets of a text by its spans.

    A span that does not begin and end where words do is widened to whole words with ``expand``, and left out
    else; of spans that share a word the longest stays, of equally long ones the first. Each such span is in
    ``problems``; whether that is an error is the caller's to say. Blanks at a span's borders mean nothing.
    """
    problems: list[SpanProblem] = []
    placed: list[tuple[range, TextSpan]] = []
    trimmed = 0
    starts, ends = [start for start, _ in offsets], [end for _, end in offsets]
    seen: set[TextSpan] = set()
    for span in spans:
        inner = _trim(span, text)
        if inner in seen:
            continue
        seen.add(inner)
        wrong = _find_wrong(span, inner, text)
        if wrong is not None:
            problems.append(wrong)
            continue
        trimmed += inner != span
        # The words that share a character with it.
        words = range(bisect_right(ends, inner.start), bisect_left(starts, inner.end))
        found = (offsets[words.start][0], offsets[words.stop - 1][1]) if words else (0, 0)
        if found != (inner.start, inner.end):
            problems.append(SpanProblem("border", span, _border_message(inner, found, text)))
        if words and (found == (inner.start, inner.end) or align == "expand"):
            placed.append((words, inner))
    tags = [OUTSIDE] * len(offsets)
    owners: dict[int, TextSpan] = {}
    for words, span in sorted(placed, key=lambda one: (-len(one[0]), one[0].start)):
        other = next((owners[word] for word in words if word in owners), None)
        if other is not None:
            problems.append(SpanProblem("overlap", span, _overlap_message(span, other, text)))
            continue
        owners.update(dict.fromkeys(words, span))
        for word in words:
            tags[word] = f"{'B' if word == words.start else 'I'}-{span.label}"
    return TaggedWords(tuple(tags), tuple(problems), trimmed)


def find_text_spans(tags: Iterable[str], offsets: Sequence[tuple[int, int]]) -> list[TextSpan]:
    """Return the entities of IOB2 tags as characters of the text that these are the words of."""
    return [
        TextSpan(offsets[span.start][0], offsets[span.end - 1][1], span.type) for span in find_spans(tags)
    ]


def _trim(span: TextSpan, text: str) -> TextSpan:
    if not 0 <= span.start < span.end <= len(text):
        return span
    inside = text[span.start : span.end]
    start = span.start + len(inside) - len(inside.lstrip())
    return TextSpan(start, max(start, span.start + len(inside.rstrip())), span.label)


def _find_wrong(span: TextSpan, inner: TextSpan, text: str) -> SpanProblem | None:
    """Return why no words can be found for the span at all."""
    if span.start > span.end or span.start < 0 or span.end > len(text):
        reason = f"is not within its text of {len(text)} characters: {shorten(text)!r}"
        return SpanProblem("range", span, f"the span {_name(span)} {reason}")
    if inner.start == inner.end:
        return SpanProblem("blank", span, f"the span {_name(span)} holds no character but blanks")
    return None


def _border_message(span: TextSpan, found: tuple[int, int], text: str) -> str:
    shown = shorten(text[span.start : span.end])
    if found == (0, 0):
        return f"the span {_name(span)} {shown!r} touches no word"
    border = "begin" if found[0] != span.start else "end"
    words = shorten(text[found[0] : found[1]])
    return f"the span {_name(span)} {shown!r} does not {border} where a word does: the words are {words!r}"


def _overlap_message(span: TextSpan, other: TextSpan, text: str) -> str:
    one, two = (f"{_name(each)} {shorten(text[each.start : each.end])!r}" for each in (span, other))
    return f"the spans {one} and {two} overlap, expected each word in at most one"


def _name(span: TextSpan) -> str:
    return f"{span.start}-{span.end} ({span.label})"


def shorten(text: str) -> str:
    """Return a text, or its beginning and an ellipsis where it is longer than a message should hold."""
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"
