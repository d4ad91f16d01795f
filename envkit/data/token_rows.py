"""Read sentences of tagged words from CoNLL columns, JSON or Parquet, told apart by content."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from envkit.api import DataError
from envkit.data.columns import choose_columns, parse_columns
from envkit.data.faults import Fault, count_kinds
from envkit.data.json_records import parse_json_array
from envkit.data.json_rows import JsonSentences, is_array, is_json, parse_json_lines, parse_json_objects
from envkit.data.spans import Align, Offsets, word_offsets
from envkit.data.tables import is_parquet_path, read_table
from envkit.data.tag_schemes import (
    OUTSIDE,
    Scheme,
    SchemeFinding,
    UnknownTagError,
    find_scheme,
    is_tag,
    to_iob2,
)
from envkit.data.text import read_lines

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from envkit.api import Problem

FORMATS = ("auto", "conll", "tsv", "jsonl", "json", "prodigy", "parquet")


@dataclass(frozen=True)
class Sentence:
    """Words and as many tags; the document it is of (from 0) and its first line in the file (from 1).

    ``text`` is what the words were found in, at these ``offsets``; None where there were words alone.
    """

    words: tuple[str, ...]
    tags: tuple[str, ...]
    document: int
    line: int
    text: str | None = None
    offsets: Offsets | None = None

    @property
    def full_text(self) -> str:
        """Return the text, or the words joined by blanks where there is none."""
        return " ".join(self.words) if self.text is None else self.text

    @property
    def full_offsets(self) -> Offsets:
        """Return where the words stand in the full text."""
        return word_offsets(self.words) if self.offsets is None else self.offsets


@dataclass(frozen=True)
class TaggedFile:
    """The sentences of one file, their tags in IOB2.

    ``scheme`` is what the file was written in; ``notes`` say what was chosen, ``faults`` what is wrong, one
    for each kind: errors only where the file was read leniently.
    """

    file: Path
    sentences: tuple[Sentence, ...]
    scheme: Scheme
    is_json: bool
    notes: tuple[str, ...] = ()
    faults: tuple[Fault, ...] = ()

    @property
    def warnings(self) -> tuple[str, ...]:
        """Return what the user should know before the sentences are used."""
        return tuple([fault.text(self.file) for fault in self.faults if fault.level == "warning"])

    @property
    def problems(self) -> tuple[Problem, ...]:
        """Return what is wrong as what is told of data before a run."""
        return tuple([fault.problem(self.file) for fault in self.faults])

    def line_of(self, sentence: Sentence, word: int) -> int:
        """Return the line (from 1) of the word at this place (from 0) of a sentence of this file."""
        return sentence.line if self.is_json else sentence.line + word


def read_sentences(
    file: Path,
    *,
    word_column: int | None = None,
    tag_column: int | None = None,
    format: str = "auto",
    encoding: str | None = None,
    align: Align = "error",
    is_lenient: bool = False,
) -> TaggedFile:
    """Read a file of tagged sentences. The columns count from 1; by default they are found.

    Sentences that hold nothing but blanks are left out, with a warning. ``align`` says what becomes of spans
    off the borders of words. Read leniently, rows, spans and tags that are wrong are left out, and told of
    in ``faults``. Raises: DataError, with file and line, where the file cannot be read, a row has not the
    file's number of columns, words and tags are of unequal number, JSON is cut, a span is off the borders of
    words, or a tag is of no known scheme.
    """
    raw = _read(file, word_column, tag_column, format=format, encoding=encoding, align=align)
    read = _convert(_leave_out_blank(raw))
    read = replace(read, faults=count_kinds(read.faults))
    if not is_lenient:
        for fault in read.faults:
            if fault.level == "error":
                raise fault.error(file)
    if not read.sentences:
        raise next((fault.error(file) for fault in read.faults), None) or _no_sentence(file)
    return read


def _read(
    file: Path,
    word_column: int | None,
    tag_column: int | None,
    *,
    format: str,
    encoding: str | None,
    align: Align,
) -> TaggedFile:
    if format not in FORMATS:
        raise DataError(
            f"words and tags are not read as {format}",
            file=file,
            hint=f"Give --format one of {', '.join(FORMATS)}",
        )
    if format == "parquet" or (format == "auto" and is_parquet_path(file)):
        table = read_table(file, format="parquet")
        rows = (dict(zip(table.columns, row, strict=True)) for row in table.rows)
        return _of_json(file, parse_json_objects(enumerate(rows, start=1), align=align))
    lines = read_lines(file, encoding=encoding)
    if format in ("conll", "tsv") or (format == "auto" and not is_json(lines)):
        return _read_columns(lines, file, word_column, tag_column)
    if is_array(lines):
        return _of_json(file, parse_json_objects(parse_json_array("\n".join(lines), file=file), align=align))
    return _of_json(file, parse_json_lines(lines, file=file, align=align))


def _of_json(file: Path, read: JsonSentences) -> TaggedFile:
    sentences = [Sentence(row.words, row.tags, 0, row.line, row.text, row.offsets) for row in read.rows]
    notes = tuple([f"{file.name}: {note}" for note in read.notes])
    return TaggedFile(file, tuple(sentences), "IOB2", True, notes, read.faults)


def _read_columns(
    lines: list[str], file: Path, word_column: int | None, tag_column: int | None
) -> TaggedFile:
    parsed = parse_columns(lines, file=file)
    if not parsed:
        raise _no_sentence(file)
    columns = choose_columns(parsed, file=file, word_column=word_column, tag_column=tag_column)
    sentences = tuple(
        Sentence(
            tuple(row[columns.word] for row in sentence.rows),
            tuple(row[columns.tag] for row in sentence.rows),
            sentence.document,
            sentence.line,
        )
        for sentence in parsed
    )
    others = [index + 1 for index in columns.tag_like if index != columns.tag]
    notes = []
    if others and tag_column is None:
        notes.append(
            f"{file.name}: words from column {columns.word + 1}, tags from column {columns.tag + 1} "
            f"of {columns.width} (column {others[-1]} holds tags too: --tag-column {others[-1]})"
        )
    return TaggedFile(file, sentences, "IOB2", False, notes=tuple(notes))


def _no_sentence(file: Path) -> DataError:
    hint = "Give a file that holds tagged words, or texts with spans that are not all rejected"
    return DataError("the file holds no sentence", file=file, hint=hint)


def _leave_out_blank(read: TaggedFile) -> TaggedFile:
    kept = tuple(sentence for sentence in read.sentences if any(map(str.strip, sentence.words)))
    if len(kept) == len(read.sentences):
        return read
    first = next(sentence for sentence in read.sentences if not any(map(str.strip, sentence.words)))
    if not kept:
        raise DataError("no sentence holds anything but blanks", file=read.file, line=first.line)
    number = len(read.sentences) - len(kept)
    message = f"left out {_count(number, 'sentence')} with nothing but blanks"
    fault = Fault(kind="blank sentence", message=message, line=first.line, level="warning", count=number)
    return replace(read, sentences=kept, faults=(*read.faults, fault))


def _convert(read: TaggedFile) -> TaggedFile:
    """Write all tags in IOB2; those of no scheme become O, and faults."""
    faults = [*read.faults, *_unknown_tags(read)]
    known = read
    if len(faults) > len(read.faults):
        known = replace(read, sentences=tuple(map(_without_unknown, read.sentences)))
    try:
        finding = find_scheme([sentence.tags for sentence in known.sentences])
    except UnknownTagError as error:  # two schemes at once
        number, word = error.place
        sentence = read.sentences[number]
        line, hint = read.line_of(sentence, word), _tag_hint(sentence.tags[word], is_json=read.is_json)
        faults.append(Fault(kind="scheme", message=f"{error}; expected one", line=line, hint=hint))
        finding = SchemeFinding("IOB2")
    if finding.breaks:
        faults.append(_breaks_fault(known, finding))
    sentences = tuple(replace(sentence, tags=to_iob2(sentence.tags)) for sentence in known.sentences)
    return replace(read, sentences=sentences, scheme=finding.scheme, faults=tuple(faults))


def _unknown_tags(read: TaggedFile) -> Iterator[Fault]:
    tags: set[str] = set().union(*[sentence.tags for sentence in read.sentences])
    unknown = {tag for tag in tags if not is_tag(tag)}
    if not unknown:
        return
    for sentence in read.sentences:
        for word, tag in enumerate(sentence.tags):
            if tag in unknown:
                yield Fault(
                    kind="tag",
                    message=f"the tag {tag!r} is of no known scheme; expected O, or B-, I-, E-, S-, L- or U- "
                    "before the type of an entity",
                    line=read.line_of(sentence, word),
                    hint=_tag_hint(tag, is_json=read.is_json),
                )


def _without_unknown(sentence: Sentence) -> Sentence:
    return replace(sentence, tags=tuple([tag if is_tag(tag) else OUTSIDE for tag in sentence.tags]))


def _breaks_fault(read: TaggedFile, finding: SchemeFinding) -> Fault:
    number, word = finding.breaks[0]
    sentence = read.sentences[number]
    return Fault(
        kind="place",
        message=f"{_count(len(finding.breaks), 'tag')} out of place in {finding.scheme}, the first "
        f"{sentence.tags[word]!r}; entities are read as conlleval reads them",
        line=read.line_of(sentence, word),
        level="warning",
        count=len(finding.breaks),
    )


def _tag_hint(tag: str, *, is_json: bool) -> str:
    if tag[1:2] == "_" and is_tag(f"{tag[0]}-{tag[2:]}"):
        return f"Write {tag[0]}-{tag[2:]} for {tag}, and so for the others"
    if tag.isalpha():
        return f"If {tag} is the type of an entity, write its tags as B-{tag} and I-{tag}"
    return (
        "Mend the tag" if is_json else "Mend the tag, or name the column that holds the tags: --tag-column N"
    )


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'s' if number != 1 else ''}"
