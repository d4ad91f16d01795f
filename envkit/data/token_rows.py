"""Read sentences of tagged words from CoNLL columns or JSONL, told apart by content."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from envkit.api import DataError
from envkit.data.columns import choose_columns, parse_columns
from envkit.data.json_rows import is_json, parse_json_rows
from envkit.data.tag_schemes import Scheme, SchemeFinding, UnknownTagError, find_scheme, is_tag, to_iob2
from envkit.data.text import read_lines

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class Sentence:
    """Words and as many tags; the document it is of (from 0) and its first line in the file (from 1)."""

    words: tuple[str, ...]
    tags: tuple[str, ...]
    document: int
    line: int


@dataclass(frozen=True)
class TaggedFile:
    """The sentences of one file, their tags in IOB2.

    ``scheme`` is what the file was written in; ``notes`` and ``warnings`` are for the user.
    """

    file: Path
    sentences: tuple[Sentence, ...]
    scheme: Scheme
    is_json: bool
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    def line_of(self, sentence: Sentence, word: int) -> int:
        """Return the line (from 1) of the word at this place (from 0) of a sentence of this file."""
        return sentence.line if self.is_json else sentence.line + word


def read_sentences(
    file: Path, *, word_column: int | None = None, tag_column: int | None = None
) -> TaggedFile:
    """Read a file of tagged sentences. The columns count from 1; by default they are found.

    Sentences that hold nothing but blanks are left out, with a warning.
    Raises: DataError, with file and line, where the file cannot be read, a row has not the file's number
    of columns, words and tags are of unequal number, JSON is cut, or a tag is of no known scheme.
    """
    lines = read_lines(file)
    if is_json(lines):
        rows = parse_json_rows(lines, file=file)
        raw = TaggedFile(
            file, tuple(Sentence(row.words, row.tags, 0, row.line) for row in rows), "IOB2", True
        )
    else:
        raw = _read_columns(lines, file, word_column, tag_column)
    whole = _leave_out_blank(raw)
    return _convert(whole)


def _read_columns(
    lines: list[str], file: Path, word_column: int | None, tag_column: int | None
) -> TaggedFile:
    parsed = parse_columns(lines, file=file)
    if not parsed:
        raise DataError("the file holds no sentence", file=file, hint="Give a file that holds tagged words")
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


def _leave_out_blank(read: TaggedFile) -> TaggedFile:
    kept = tuple(sentence for sentence in read.sentences if any(map(str.strip, sentence.words)))
    if len(kept) == len(read.sentences):
        return read
    first = next(sentence for sentence in read.sentences if not any(map(str.strip, sentence.words)))
    if not kept:
        raise DataError("no sentence holds anything but blanks", file=read.file, line=first.line)
    left_out = len(read.sentences) - len(kept)
    warning = f"{read.file}:{first.line}: left out {_count(left_out, 'sentence')} with nothing but blanks"
    return replace(read, sentences=kept, warnings=(*read.warnings, warning))


def _convert(read: TaggedFile) -> TaggedFile:
    try:
        finding = find_scheme([sentence.tags for sentence in read.sentences])
    except UnknownTagError as error:
        number, word = error.place
        sentence = read.sentences[number]
        raise DataError(
            f"{error}; expected O, or B-, I-, E-, S-, L- or U- before the type of an entity",
            file=read.file,
            line=read.line_of(sentence, word),
            hint=_tag_hint(sentence.tags[word], is_json=read.is_json),
        ) from error
    warnings = read.warnings
    if finding.breaks:
        warnings = (*warnings, _breaks_warning(read, finding))
    sentences = tuple(replace(sentence, tags=to_iob2(sentence.tags)) for sentence in read.sentences)
    return replace(read, sentences=sentences, scheme=finding.scheme, warnings=warnings)


def _breaks_warning(read: TaggedFile, finding: SchemeFinding) -> str:
    number, word = finding.breaks[0]
    sentence = read.sentences[number]
    return (
        f"{read.file}:{read.line_of(sentence, word)}: {_count(len(finding.breaks), 'tag')} out of place in "
        f"{finding.scheme}, the first {sentence.tags[word]!r}; entities are read as conlleval reads them"
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
