"""Rows as tasks get them, whatever file they come from."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TextRow:
    """A text, the second one of a pair if there is one, and its labels: one, several, or none yet.

    ``name`` says where it is from: ``train.tsv:12``, ``reviews.parquet:12`` (row, from 1), ``pos/0_9.txt``.
    """

    text: str
    labels: tuple[str, ...]
    name: str
    pair: str | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer as it stands in its context; ``start`` is its first character there, counted from 0."""

    text: str
    start: int


@dataclass(frozen=True, slots=True)
class Question:
    """A question to a context; several right answers may be given, none where the context holds none.

    ``paragraph`` numbers the contexts of a file from 0: questions of one context have one number.
    """

    id: str
    question: str
    context: str
    answers: tuple[Answer, ...]
    name: str
    paragraph: int
