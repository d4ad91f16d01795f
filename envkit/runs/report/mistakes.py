"""The worst mistakes of a run as they are shown: words, answers or labels, by what a prediction has.

The fields are those that ``envkit.api.Prediction`` documents for the kinds of tasks; a prediction of another
kind is shown field by field.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from envkit.runs.report.excerpts import Excerpt, Mark, byte_size, cut, make_excerpt, visible
from envkit.runs.report.numbers import percent_text
from envkit.runs.report.predictions import PredictedRow, read_worst

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

MOST = 20  # mistakes of a split
_BUDGET = 90_000  # bytes of a split's texts on the page
_SPLITS = 3
_FIELDS = 12  # of a prediction that is of no known kind
_LABELS = 12  # of a text that has many


@dataclass(frozen=True, kw_only=True)
class Chip:
    """A label or short answer: ``kind`` is ``right``, ``wrong``, ``missed``, or empty; ``note`` its probability."""

    text: str
    kind: str = ""
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class Part:
    """A line of a mistake: its name, and either chips or a piece of text."""

    name: str
    chips: Sequence[Chip] = ()
    excerpt: Excerpt | None = None

    @property
    def size(self) -> int:
        """Return about how many bytes it takes on the page."""
        text = 0 if self.excerpt is None else self.excerpt.size
        return text + sum(byte_size(chip.text) + 80 for chip in self.chips)


@dataclass(frozen=True, kw_only=True)
class Mistake:
    """A row that the model got wrong; ``name`` says where the row is from."""

    name: str
    loss: float | None
    parts: Sequence[Part]


@dataclass(frozen=True, kw_only=True)
class SplitMistakes:
    """The worst mistakes of a split, with how many rows it has and how many of them are ``wrong``, if known."""

    split: str
    rows: int
    wrong: int | None
    mistakes: Sequence[Mistake]


def read_mistakes(predictions_dir: Path, *, most: int = MOST) -> list[SplitMistakes]:
    """Return the worst mistakes of every split that has predictions, dev before test. Raises: OSError."""
    files = sorted(predictions_dir.glob("*.jsonl")) if predictions_dir.is_dir() else []
    return [found for file in files[:_SPLITS] if (found := _of_split(file, most=most)).rows]


def _of_split(file: Path, *, most: int) -> SplitMistakes:
    worst = read_worst(file, most=most)
    mistakes: list[Mistake] = []
    room = _BUDGET
    for row in worst.worst:
        mistake = show_mistake(row)
        room -= sum(part.size for part in mistake.parts)
        if room < 0 and mistakes:
            break
        mistakes.append(mistake)
    return SplitMistakes(split=file.stem, rows=worst.rows, wrong=worst.wrong, mistakes=mistakes)


def show_mistake(row: PredictedRow) -> Mistake:
    """Return how a row is shown: by the fields that it has, whatever task it is from."""
    fields = row.fields
    shows: Callable[[Mapping[str, Any]], list[Part]] = _show_fields
    if isinstance(fields.get("text"), str) and isinstance(fields.get("entities"), list):
        shows = _show_entities
    elif isinstance(fields.get("question"), str) and "answer" in fields:
        shows = _show_answer
    elif isinstance(fields.get("text"), str) and ("label" in fields or "labels" in fields):
        shows = _show_labels
    name = fields.get("name") or fields.get("id") or ""
    return Mistake(name=visible(cut(str(name), 120)), loss=row.loss, parts=shows(fields))


class _Entity(msgspec.Struct, frozen=True):
    start: int
    end: int
    label: str


def _show_entities(fields: Mapping[str, Any]) -> list[Part]:
    text = fields["text"]
    gold, found = _entities(fields.get("gold")), _entities(fields["entities"])
    there = [_mark(entity, "right" if entity in found else "missed") for entity in gold]
    predicted = [_mark(entity, "right" if entity in gold else "wrong") for entity in found]
    # Both lines show the same stretch of the text: that around what either has wrong.
    wrong = [mark for mark in (*there, *predicted) if mark.kind != "right"]
    edge = min((mark.start for mark in wrong), default=0)
    parts = (
        [("predicted", predicted)] if "gold" not in fields else [("gold", there), ("predicted", predicted)]
    )
    return [Part(name=name, excerpt=make_excerpt(text, marks, around=edge)) for name, marks in parts]


def _entities(value: Any) -> list[_Entity]:
    try:
        return msgspec.convert(value or [], list[_Entity])
    except msgspec.ValidationError:
        return []


def _mark(entity: _Entity, kind: str) -> Mark:
    return Mark(entity.start, entity.end, visible(cut(entity.label, 40)), kind)


def _show_answer(fields: Mapping[str, Any]) -> list[Part]:
    answer = str(fields.get("answer") or "")
    gold = [str(text) for text in _listed(fields.get("gold"))]
    parts = [
        Part(name="question", excerpt=make_excerpt(fields["question"])),
        Part(name="predicted", chips=[_answer_chip(answer, "wrong", fields.get("score"))]),
    ]
    if "gold" in fields:
        chips = [_answer_chip(text, "missed") for text in dict.fromkeys(gold or [""])]
        parts.append(Part(name="gold", chips=chips[:_LABELS]))
    context = fields.get("context")
    if isinstance(context, str):
        marks = _answer_marks(context, answer=answer, start=fields.get("start"), gold=gold)
        parts.append(Part(name="context", excerpt=make_excerpt(context, marks)))
    return parts


def _answer_chip(text: str, kind: str, score: Any = None) -> Chip:
    shown = visible(cut(text, 200)) if text else "no answer"
    return Chip(text=shown, kind=kind if text else f"{kind} none", note=_probability(score))


def _answer_marks(context: str, *, answer: str, start: Any, gold: Sequence[str]) -> list[Mark]:
    """Mark the predicted answer where it was found, and the nearest place of a gold one."""
    begin = start if isinstance(start, int) and answer else -1
    predicted = set(range(begin, begin + len(answer))) if begin >= 0 else set()
    places = [(place, text) for text in gold if text for place in _places(context, text)]
    there: set[int] = set()
    if places:
        place, text = min(places, key=lambda found: (abs(found[0] - max(begin, 0)), -len(found[1])))
        there = set(range(place, place + len(text)))
    kinds = ((there - predicted, "missed", "gold"), (predicted - there, "wrong", "predicted"))
    marks = [mark for chars, kind, label in kinds for mark in _stretches(chars, label, kind)]
    return [*marks, *_stretches(there & predicted, "both", "both")]


def _places(context: str, text: str) -> list[int]:
    found = []
    place = context.find(text)
    while place >= 0:
        found.append(place)
        place = context.find(text, place + 1)
    return found


def _stretches(chars: set[int], label: str, kind: str) -> list[Mark]:
    starts = sorted(char for char in chars if char - 1 not in chars)
    ends = sorted(char + 1 for char in chars if char + 1 not in chars)
    return [Mark(start, end, label, kind) for start, end in zip(starts, ends, strict=True)]


def _show_labels(fields: Mapping[str, Any]) -> list[Part]:
    scores = fields["scores"] if isinstance(fields.get("scores"), dict) else {}
    found = [str(label) for label in _listed(fields["labels"] if "labels" in fields else fields["label"])]
    gold = [str(label) for label in _listed(fields.get("gold"))]
    parts = []
    if "gold" in fields:
        parts.append(
            Part(
                name="gold",
                chips=_label_chips(gold, sure=scores, kinds={True: "right", False: "missed"}, other=found),
            )
        )
    sure = scores or ({found[0]: fields.get("score")} if len(found) == 1 else {})
    kinds = {True: "right", False: "wrong" if "gold" in fields else ""}
    parts.append(Part(name="predicted", chips=_label_chips(found, sure=sure, kinds=kinds, other=gold)))
    texts = [("text", fields["text"]), ("pair", fields.get("pair"))]
    return parts + [
        Part(name=name, excerpt=make_excerpt(text)) for name, text in texts if isinstance(text, str)
    ]


def _label_chips(
    labels: Sequence[str], *, sure: Mapping[str, Any], kinds: Mapping[bool, str], other: Sequence[str]
) -> list[Chip]:
    """Return a chip a label, its kind by whether the other side has it too; ``none`` where there is none."""
    chips = [
        Chip(text=visible(cut(label, 60)), kind=kinds[label in other], note=_probability(sure.get(label)))
        for label in labels[:_LABELS]
    ]
    if len(labels) > _LABELS:
        chips.append(Chip(text=f"{len(labels) - _LABELS} more"))
    return chips or [Chip(text="none", kind="none")]


def _show_fields(fields: Mapping[str, Any]) -> list[Part]:
    shown = [(name, value) for name, value in fields.items() if name != "name"][:_FIELDS]
    return [Part(name=visible(cut(name, 40)), excerpt=make_excerpt(_as_text(value))) for name, value in shown]


def _as_text(value: Any) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _probability(score: Any) -> str:
    return percent_text(score) if isinstance(score, float | int) and not isinstance(score, bool) else ""
