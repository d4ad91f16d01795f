"""Read CoNLL columns: a word a line with its tag, an empty line after each sentence.

What is a comment cannot be told from ``#`` alone, which is a word too: a line that begins with ``#`` is a
comment where a sentence could begin and where it has not the file's number of columns (CoNLL-U, GermEval).
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import chain
from typing import TYPE_CHECKING

from envkit.api import DataError
from envkit.data.tag_schemes import is_tag

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

DOCUMENT_START = "-DOCSTART-"
_BLANKS = re.compile(r"[ \t]+")  # not \s: users have U+00A0 inside words
Splitter = Callable[[str], list[str]]


@dataclass(frozen=True)
class ColumnSentence:
    """The rows of one sentence, its first line (from 1) and its document (from 0).

    ``marks`` are the rows in front of it that mark the beginning of a document.
    """

    rows: list[list[str]] = field(repr=False)
    line: int
    document: int
    marks: tuple[tuple[str, ...], ...] = ()


@dataclass(frozen=True)
class Columns:
    """Which columns hold words and tags, counted from 0, and those that could have held the tags."""

    word: int
    tag: int
    width: int
    tag_like: tuple[int, ...]


def parse_columns(lines: Iterable[str], *, file: Path) -> list[ColumnSentence]:
    """Split lines into sentences of rows of one width. Raises: DataError where a row has another."""
    return list(iterate_columns(lines, file=file))


def iterate_columns(lines: Iterable[str], *, file: Path) -> Iterator[ColumnSentence]:
    """Yield sentences of rows of one width, each as soon as the line after it is known.

    Raises: DataError where a row has another width.
    """
    opening, others = _read_opening(lines)
    rows_there = list(filter(_is_row, opening))
    sample = next(
        (line for line in rows_there if not line.startswith("#")), rows_there[0] if rows_there else ""
    )
    tabbed = "\t" in sample.strip()
    split = _split_tabs if tabbed else _split_blanks
    width = len(split_columns(sample))
    rows: list[list[str]] = []
    marks: list[tuple[str, ...]] = []
    first = document = seen_documents = 0
    for number, line in enumerate(chain(opening, others), start=1):
        if not _is_row(line):
            if rows:
                yield ColumnSentence(rows, first, document, tuple(marks))
                rows, marks = [], []
            if is_document_start(line):
                marks.append(tuple(split(line)))
                document, seen_documents = seen_documents, seen_documents + 1
            continue
        cells = split(line)
        if len(cells) != width:
            if line.startswith("#") and not rows:
                continue
            raise _wrong_width(file, number, len(cells), sample)
        if not rows:
            first = number
        rows.append(cells)
    if rows:
        yield ColumnSentence(rows, first, document, tuple(marks))


def _read_opening(lines: Iterable[str]) -> tuple[list[str], Iterator[str]]:
    """Return the lines up to the first that is surely a row, and what gives the others."""
    others = iter(lines)
    opening: list[str] = []
    for line in others:
        opening.append(line)
        if _is_row(line) and not line.startswith("#"):
            break
    return opening, others


def choose_columns(
    sentences: Sequence[ColumnSentence], *, file: Path, word_column: int | None, tag_column: int | None
) -> Columns:
    """Choose the columns of words and tags; those given count from 1. Raises: DataError.

    Tags: the rightmost column that holds mostly tags. Words: the leftmost other one that is no counter.
    """
    width = len(sentences[0].rows[0])
    if width < 2:
        raise DataError(
            "the file has one column, expected at least two: words and tags",
            file=file,
            line=sentences[0].line,
            hint="Write a word, a tab and its tag on each line, and an empty line after each sentence"
            + (", with tabs for the commas" if "," in sentences[0].rows[0][0] else ""),
        )
    for option, given in (("--word-column", word_column), ("--tag-column", tag_column)):
        if given is not None and given > width:
            raise DataError(
                f"{option} is {given}, but the file has {width} columns",
                file=file,
                line=sentences[0].line,
                hint=f"Give {option} a number from 1 to {width}",
            )
    words_given = None if word_column is None else word_column - 1
    tag_like = tuple(
        index for index in range(width) if index != words_given and _is_mostly_tags(sentences, index)
    )
    tag = tag_column - 1 if tag_column else tag_like[-1] if tag_like else width - 1
    word = words_given if words_given is not None else choose_word_column(sentences, width, tag=tag)
    if word == tag:
        raise DataError(
            f"words and tags cannot both stand in column {word + 1}",
            file=file,
            hint="Give --word-column and --tag-column two different numbers, counted from 1",
        )
    return Columns(word, tag, width, tag_like)


def choose_word_column(sentences: Sequence[ColumnSentence], width: int, *, tag: int | None = None) -> int:
    """Return the leftmost column, other than that of the tags, that does not count the words of a sentence."""
    others = [index for index in range(width) if index != tag]
    return next((index for index in others if not is_counter(sentences, index)), others[0])


def _is_mostly_tags(sentences: Sequence[ColumnSentence], index: int) -> bool:
    # Mostly, not all: one mistyped tag must not move the choice to another column in silence.
    cells = [row[index] for sentence in sentences for row in sentence.rows]
    return 2 * sum(map(is_tag, cells)) > len(cells)


def is_counter(sentences: Sequence[ColumnSentence], index: int) -> bool:
    """Tell whether a column, counted from 0, numbers the words of each sentence, from 0 or 1."""
    first = 0 if sentences[0].rows[0][index] == "0" else 1
    return all(
        row[index] == str(number)
        for sentence in sentences
        for number, row in enumerate(sentence.rows, start=first)
    )


def split_columns(line: str) -> list[str]:
    """Return the cells of a row, divided by tabs where it has any and else by blanks."""
    return _split_tabs(line) if "\t" in line.strip() else _split_blanks(line)


def _is_row(line: str) -> bool:
    return bool(line) and not line.isspace() and not is_document_start(line)


def is_document_start(line: str) -> bool:
    """Tell whether a line marks the beginning of a document."""
    return line.startswith(DOCUMENT_START) and line.split()[0] == DOCUMENT_START


def _split_tabs(line: str) -> list[str]:
    return [cell.strip(" ") for cell in line.split("\t")]


def _split_blanks(line: str) -> list[str]:
    return _BLANKS.split(line.strip(" \t"))


def _wrong_width(file: Path, number: int, found: int, sample: str) -> DataError:
    """Return the error for a row of another width than the ``sample``, the first of the file."""
    expected = len(split_columns(sample))
    separator = "tabs" if "\t" in sample.strip() else "blanks"
    hint = f"See what stands there: sed -n {number}p {shlex.quote(str(file))} | cat -A"
    if expected == 1 and "," in sample:
        hint = (
            "If the columns are separated by commas: write a word, a tab and its tag on each line; or give "
            "whole texts with the spans in them as JSONL"
        )
    return DataError(
        f"{found} column{'s'[: found != 1]} separated by {separator}, expected {expected} as in the lines before",
        file=file,
        line=number,
        hint=hint,
    )
