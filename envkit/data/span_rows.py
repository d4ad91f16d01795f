"""Read rows of a text with its entities as spans of characters, as annotation tools export them.

Prodigy   {"text": …, "spans": [{"start": 0, "end": 3, "label": "PER"}], "tokens": […], "answer": "accept"}
doccano   {"text": …, "label": [[0, 3, "PER"]]}, or "entities": [{"start_offset": 0, "end_offset": 3, "label": …}]
spaCy     {"text": …, "entities": [[0, 3, "PER"]]}
generic   {"text": …, "entities": [{"start": 0, "end": 3, "label": "PER"}]}

A span's end is the character behind its last. Where the row has tokens these are its words.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from envkit.data.faults import BadRow, Fault
from envkit.data.json_records import kind_of
from envkit.data.spans import SpanProblem, TextSpan, find_words, shorten, tag_words

if TYPE_CHECKING:
    from collections.abc import Mapping

    from envkit.data.spans import Align, Offsets

SPAN_KEYS = ("spans", "entities", "label", "labels")
SPAN_EXAMPLE = (
    'A line reads: {"text": "Ada wrote", "entities": [{"start": 0, "end": 3, "label": "PER"}]}, '
    "where end is the character behind the last"
)
_BORDERS = (("start", "end"), ("start_offset", "end_offset"))
_LEFT_OUT = ("reject", "ignore")


@dataclass(frozen=True, slots=True)
class SpanSentence:
    """A text, where its words stand in it, and their tags in IOB2."""

    text: str
    offsets: Offsets
    tags: tuple[str, ...]

    @property
    def words(self) -> tuple[str, ...]:
        """Return the words as they stand in the text."""
        return tuple([self.text[start:end] for start, end in self.offsets])


def is_span_row(row: Any) -> bool:
    """Tell whether a row is a text with spans, and not words with tags."""
    if not isinstance(row, dict) or "text" not in row or "tags" in row or "ner_tags" in row:
        return False
    return "answer" in row or any(isinstance(row.get(key, 0), list | None) for key in SPAN_KEYS)


class SpanReader:
    """Reads the rows of one file, and keeps what has to be said of their spans.

    Where ``align`` is ``error`` a span that is off the borders of words, or overlaps another, is an error;
    with ``expand`` and ``drop`` it is mended or left out, and counted.
    """

    def __init__(self, align: Align = "error") -> None:
        self._align = align
        self._problems: list[tuple[int, SpanProblem]] = []
        self._answers: Counter[str] = Counter()
        self._trimmed = 0

    def read(self, row: Mapping[str, Any], *, line: int) -> SpanSentence | None:
        """Return the row's text, words and tags, None for a row that its annotator did not accept.

        Raises: BadRow where the row is not of the shape that this module describes.
        """
        answer = row.get("answer", "accept")
        if answer in _LEFT_OUT:
            self._answers[answer] += 1
            return None
        if answer != "accept":
            raise BadRow(f"the answer is {answer!r}, expected accept, reject or ignore", hint=SPAN_EXAMPLE)
        text = read_row_text(row)
        offsets = read_offsets(row, text)
        spans = []
        for given in _given_spans(row):
            span = _read_span(given)
            said = given.get("text") if isinstance(given, dict) else None
            if isinstance(said, str) and said.strip() != text[span.start : span.end].strip():
                message = f"the span {span.start}-{span.end} ({span.label}) is said to be {shorten(said)!r}, "
                there = shorten(text[span.start : span.end])
                self._problems.append((line, SpanProblem("text", span, f"{message}but there is {there!r}")))
                continue
            spans.append(span)
        tagged = tag_words(spans, offsets, text=text, align=self._align)
        self._problems += [(line, problem) for problem in tagged.problems]
        self._trimmed += tagged.trimmed
        return SpanSentence(text, offsets, tagged.tags)

    def notes(self) -> tuple[str, ...]:
        """Return what the user should know of the rows read so far."""
        notes = [
            f"left out {_count(number, 'row')} answered {answer}" for answer, number in self._answers.items()
        ]
        if self._trimmed:
            notes.append(f"blanks at the borders of {_count(self._trimmed, 'span')} count for nothing")
        return tuple(notes)

    def faults(self) -> list[Fault]:
        """Return what is wrong with the spans read so far: errors one by one, what was mended by kind."""
        mended: dict[str, list[tuple[int, SpanProblem]]] = {}
        faults: list[Fault] = []
        for line, problem in self._problems:
            if self._align == "error" or problem.kind in ("range", "text"):
                hint = _HINTS.get(problem.kind, _ALIGN_HINT)
                faults.append(Fault(kind=problem.kind, message=problem.message, line=line, hint=hint))
            else:
                mended.setdefault(problem.kind, []).append((line, problem))
        for kind, found in mended.items():
            line, first = found[0]
            done = "widened to whole words" if kind == "border" and self._align == "expand" else "left out"
            message = f"{_count(len(found), 'span')} {done}; the first: {first.message}"
            faults.append(Fault(kind=kind, message=message, line=line, level="warning", count=len(found)))
        return faults


_ALIGN_HINT = (
    "Mend the spans; or take whole words with --align expand, or leave such spans out with --align drop"
)
_HINTS = {
    "overlap": "Keep one of them; or let the longest win, and leave the others out: --align drop",
    "blank": "Mend the span; or leave such spans out: --align drop",
    "range": "Start and end count characters from 0, not bytes; end is the one behind the last",
    "text": "Start and end count characters from 0, not bytes; end is the one behind the last",
}


def read_row_text(row: Mapping[str, Any]) -> str:
    """Return the row's text. Raises: BadRow."""
    text = row.get("text")
    if not isinstance(text, str):
        raise BadRow(f"expected 'text' to be a string, found {kind_of(text)}", hint=SPAN_EXAMPLE)
    return text


def read_offsets(row: Mapping[str, Any], text: str) -> Offsets:
    """Return where the row's words stand in its text: its tokens', or those that are found. Raises: BadRow."""
    tokens = row.get("tokens")
    if not tokens:
        return find_words(text)
    if isinstance(tokens, list) and all(isinstance(token, str) for token in tokens):
        return _locate(tokens, text)
    if not isinstance(tokens, list) or not all(isinstance(token, dict) for token in tokens):
        raise BadRow("expected 'tokens' to be a list of objects with start and end", hint=SPAN_EXAMPLE)
    offsets = [_borders(token, "a token") for token in tokens]
    wrong = next((one for one in offsets if not 0 <= one[0] <= one[1] <= len(text)), None) or next(
        (after for before, after in pairwise(offsets) if after[0] < before[1]), None
    )
    if wrong is not None:
        raise BadRow(f"the token {wrong[0]}-{wrong[1]} is not within the text, or not behind the one before")
    # Tools count blanks among the tokens, which are no words.
    return tuple([(start, end) for start, end in offsets if text[start:end].strip()])


def _locate(tokens: list[str], text: str) -> Offsets:
    offsets: list[tuple[int, int]] = []
    behind = 0
    for token in tokens:
        start = text.find(token, behind)
        if start < 0:
            raise BadRow(f"the token {shorten(token)!r} is not in the text behind the one before")
        behind = start + len(token)
        if token.strip():
            offsets.append((start, behind))
    return tuple(offsets)


def _given_spans(row: Mapping[str, Any]) -> list[Any]:
    key = next((key for key in SPAN_KEYS if isinstance(row.get(key), list)), None)
    return [] if key is None else list(row[key])


def _read_span(given: Any) -> TextSpan:
    if isinstance(given, dict):
        start, end = _borders(given, "a span")
        label = given.get("label", given.get("labels", given.get("type")))
        if isinstance(label, list) and len(label) == 1:
            label = label[0]
    elif isinstance(given, list) and len(given) == 3 and all(map(_is_number, given[:2])):
        start, end, label = given
    else:
        raise BadRow(
            f"expected spans as objects or as [start, end, type], found {kind_of(given)}", hint=SPAN_EXAMPLE
        )
    if not isinstance(label, str) or not label.strip():
        raise BadRow(f"the span {start}-{end} has no type, expected a string", hint=SPAN_EXAMPLE)
    return TextSpan(start, end, label.strip())


def _borders(given: Mapping[str, Any], noun: str) -> tuple[int, int]:
    for first, second in _BORDERS:
        if _is_number(given.get(first)) and _is_number(given.get(second)):
            return given[first], given[second]
    raise BadRow(f"{noun} has no whole numbers as start and end", hint=SPAN_EXAMPLE)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'s' if number != 1 else ''}"


def _is_number(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
