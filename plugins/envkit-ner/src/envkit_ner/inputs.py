"""Read what a model is to tag, as it comes in: texts, rows with a text or tokens, or columns of words."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field, replace
from itertools import chain, count, groupby
from typing import TYPE_CHECKING, Any, BinaryIO

from envkit.api import DataError
from envkit.data.columns import (
    ColumnSentence,
    choose_word_column,
    is_counter,
    is_document_start,
    iterate_columns,
    split_columns,
)
from envkit.data.faults import BadRow
from envkit.data.json_records import is_open_object
from envkit.data.json_rows import WORDS_KEY, is_json
from envkit.data.label_lines import has_label_first
from envkit.data.line_stream import open_bytes, stream_lines
from envkit.data.span_rows import read_offsets, read_row_text
from envkit.data.streaming import Record, stream_records
from envkit.data.tag_schemes import OUTSIDE, is_tag
from envkit.data.text import STANDARD_INPUT, check_encoding, name_of, split_lines
from envkit.data.token_rows import Sentence

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from envkit.api import Inputs

_PEEKED = 8192  # bytes that are looked at to tell columns from texts; of a pipe, what has come in of them
_WORD_CLASS = re.compile(r"[A-Z][A-Z0-9]*[$|.:-]?[A-Z0-9]*")  # NN, PRP$, ADJ, V.PTCP, as treebanks write them
_MOST_TOGETHER = 1000  # sentences of a document that are waited for; a longer one is read in parts


@dataclass(frozen=True, slots=True)
class Untagged:
    """A row to tag: its words with their text, and ``given``, the other fields of its row.

    ``has_words`` says that it came as words, so that it is answered with tags; ``columns`` are all cells of
    its words where these came in columns, ``marks`` the rows in front that begin a document.
    """

    sentence: Sentence
    name: str
    has_words: bool
    given: Mapping[str, Any] = field(default_factory=dict)
    columns: Sequence[Sequence[str]] = ()
    marks: Sequence[Sequence[str]] = ()


def stream_documents(
    inputs: Inputs,
    *,
    word_column: int | None = None,
    has_context: bool = False,
    standard_input: BinaryIO | None = None,
) -> Iterator[list[Untagged]]:
    """Yield rows as soon as they are there: those together that are read with each other as context.

    Without context, or marks of documents, that is each row alone. ``word_column`` (from 1) is for columns
    that have so many; else words are in the first that does not count them. Raises: DataError.
    """
    rows = _stream(inputs, word_column, standard_input)
    if not has_context:
        yield from ([row] for row in rows)
        return
    for _, together in groupby(rows, key=lambda row: row.sentence.document):
        part: list[Untagged] = []
        for row in together:
            part.append(row)
            if len(part) == _MOST_TOGETHER:
                yield part
                part = []
        if part:
            yield part


def _stream(inputs: Inputs, word_column: int | None, standard_input: BinaryIO | None) -> Iterator[Untagged]:
    file = inputs.file
    if file is None or inputs.format not in ("auto", "conll", "tsv") or file.is_dir():
        yield from map(read_record, stream_records(inputs, standard_input=standard_input), count())
        return
    with open_bytes(file, standard_input=standard_input) as opened:
        # What has been looked at in standard input is still in this reader, and nowhere else.
        source = opened if file == STANDARD_INPUT else None
        opening = _peek_lines(opened, inputs.encoding)
        if inputs.format == "conll" or are_columns(opening):
            lines = stream_lines(file, encoding=inputs.encoding, standard_input=source)
            yield from _stream_columns(lines, file, word_column)
        else:
            if inputs.format == "auto" and _are_texts(opening, file):
                inputs = replace(inputs, format="lines")
            yield from map(read_record, stream_records(inputs, standard_input=source), count())


def read_record(record: Record, number: int) -> Untagged:
    """Return a record as a row to tag, a document of its own by this number. Raises: DataError."""
    values = record.values
    tokens = values.get(WORDS_KEY)
    has_words = isinstance(tokens, list) and all(isinstance(token, str) for token in tokens)
    try:
        if has_words and "text" not in values:
            sentence = _untagged(tuple(tokens or ()), number)
        elif "text" in values:
            text = read_row_text(values)
            offsets = read_offsets(values, text)
            words = tuple([text[start:end] for start, end in offsets])
            sentence = replace(_untagged(words, number), text=text, offsets=offsets)
        else:
            there = ", ".join(map(repr, values)) or "nothing"
            raise BadRow(f"there is no 'text' and no list of 'tokens'; the row has {there}")
    except BadRow as error:
        raise DataError(
            f"{record.name}: {error.message}",
            hint='A row reads: {"text": "Ada wrote"} or {"tokens": ["Ada", "wrote"]}; '
            "in CSV, the column of the texts is named text",
        ) from error
    return Untagged(sentence, record.name, has_words, values)


def are_columns(lines: Iterable[str]) -> bool:
    """Tell whether these first lines of a file are words, one a line, and not texts or a table.

    They are where documents are marked; with one column, where an empty line or a bare punctuation mark is
    among them; with several of one number, where they end in tags. Columns without tags need tabs and an empty
    line behind them, or, as blanks divide texts too, a column that numbers the words or one of part-of-speech
    tags, and one number of columns all over.
    """
    given = [line.strip() for line in lines]
    if any(map(is_document_start, given)):
        return True
    start = next((number for number, line in enumerate(given) if line), len(given))
    if is_json(given[start:]):
        return False
    blocks = _split_blocks(given[start:])
    if not blocks:
        return False
    rows = blocks[0]
    widths = {len(row) for row in rows}
    if len(widths) != 1:
        return False
    is_closed = "" in given[start:]
    if widths == {1}:
        return len(rows) > 1 and (is_closed or any(map(_is_punctuation, chain(*rows))))
    everything = list(chain(*blocks))
    if all(is_tag(row[-1]) for row in (rows if len(rows) > 1 else everything)):
        return len(everything) > 1  # a text alone may end in what looks like a tag
    if not is_closed or len(rows) < 3:
        return False
    if "\t" in given[start]:
        return True
    if {len(row) for row in everything} != widths:
        return False
    return is_counter([ColumnSentence(block, 1, 0) for block in blocks], 0) or _has_word_classes(everything)


def _split_blocks(lines: Iterable[str]) -> list[list[list[str]]]:
    """Return the rows between empty lines, comments aside."""
    blocks: list[list[list[str]]] = [[]]
    for line in lines:
        if not line:
            blocks.append([])
        elif not line.startswith("# "):
            blocks[-1].append(split_columns(line))
    return [block for block in blocks if block]


def _has_word_classes(rows: Sequence[Sequence[str]]) -> bool:
    """Tell whether some column, and not that of the words, holds part-of-speech tags alone."""
    columns = list(zip(*rows, strict=True))
    are_classes = [
        all(_WORD_CLASS.fullmatch(cell) or _is_punctuation(cell) for cell in each) for each in columns
    ]
    # "I" and its like stand alone in texts too, one below the other.
    are_many = [len(set(each)) > 1 and any(len(cell) > 1 for cell in each) for each in columns]
    return not are_classes[0] and any(map(all, zip(are_classes[1:], are_many[1:], strict=True)))


def _are_texts(lines: Iterable[str], file: Path) -> bool:
    """Tell whether each line is surely a text: what begins one could be taken for its label, where texts have labels."""
    given = [line for line in lines if line and not line.isspace()]
    if (
        not given
        or is_json(given)
        or is_open_object(given[0])
        or "\t" in given[0]
        or {".csv", ".tsv"} & set(file.suffixes)
    ):
        return False
    return not {",", ";"} & set(given[0]) or has_label_first(given, is_strict=True)


def _is_punctuation(word: str) -> bool:
    return all(unicodedata.category(character)[0] == "P" for character in word)


def _peek_lines(opened: BinaryIO, encoding: str | None) -> list[str]:
    """Return the whole lines that are there, without taking them."""
    peeked: bytes = opened.peek(_PEEKED)[:_PEEKED]  # type: ignore[attr-defined]  # of all readers that are opened
    text = peeked.decode(check_encoding(encoding), errors="replace").removeprefix("\ufeff")
    lines = split_lines(text)
    return lines[:-1] if len(peeked) == _PEEKED and not text.endswith("\n") else lines


@dataclass
class _Marks:
    """Passes lines on, and remembers whether a document has been marked in them."""

    lines: Iterator[str]
    are_there: bool = False

    def __iter__(self) -> Iterator[str]:
        for line in self.lines:
            self.are_there = self.are_there or is_document_start(line)
            yield line


def _stream_columns(lines: Iterator[str], file: Path, word_column: int | None) -> Iterator[Untagged]:
    marks = _Marks(lines)
    sentences, column = _find_word_column(iterate_columns(marks, file=file), word_column)
    for number, found in enumerate(sentences):
        words = tuple([row[column] for row in found.rows])
        # Before the first mark, neighbours are not known to be of one document.
        document = found.document if marks.are_there else -1 - number
        sentence = replace(_untagged(words, document), line=found.line)
        yield Untagged(
            sentence,
            f"{name_of(file)}:{found.line}",
            has_words=True,
            columns=found.rows,
            marks=found.marks,
        )


def _find_word_column(
    sentences: Iterator[ColumnSentence], word_column: int | None
) -> tuple[Iterator[ColumnSentence], int]:
    """Return the sentences, and the column of their words counted from 0."""
    seen: list[ColumnSentence] = []
    for sentence in sentences:
        seen.append(sentence)
        if len(sentence.rows) > 1:  # a word alone cannot be told from its own number
            break
    if not seen:
        return sentences, 0
    width = len(seen[0].rows[0])
    if word_column is not None and word_column <= width:
        return chain(seen, sentences), word_column - 1
    return chain(seen, sentences), choose_word_column(seen, width)


def _untagged(words: tuple[str, ...], document: int) -> Sentence:
    return Sentence(words, (OUTSIDE,) * len(words), document, 0)
