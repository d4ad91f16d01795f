"""Read a data file of any form and write its rows in another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from envkit.api import UsageError
from envkit.data.convert.questions import QUESTION_FORMATS, write_questions
from envkit.data.convert.texts import TEXT_FORMATS, write_texts
from envkit.data.convert.words import WORD_FORMATS, write_sentences
from envkit.data.kinds import find_kind
from envkit.data.squad import read_questions
from envkit.data.texts import read_texts
from envkit.data.token_rows import read_sentences

if TYPE_CHECKING:
    from pathlib import Path

    from envkit.data.cut.units import Reading

_FORMATS = {"texts": TEXT_FORMATS, "words": WORD_FORMATS, "questions": QUESTION_FORMATS}
_MANY = "Several labels of a text stand with '|' between them: such a table is read with --multi-label"
FORMATS = tuple(dict.fromkeys(name for names in _FORMATS.values() for name in names))


@dataclass(frozen=True)
class Converted:
    """The text of the new file, how many rows it holds, and what the user should know."""

    text: str
    rows: int
    notes: tuple[str, ...] = ()


def convert_file(file: Path, reading: Reading, *, to: str, pair_column: str | None = None) -> Converted:
    """Read the file and write it as ``to``. Raises: DataError, UsageError where its rows have no such form."""
    kind = find_kind(file, task=reading.task, format=reading.format, encoding=reading.encoding)
    if to not in _FORMATS[kind]:
        raise UsageError(
            f"{file.name} holds {_SAID[kind]}, which are not written as {to}",
            hint=f"For these: --to {' or --to '.join(_FORMATS[kind])}",
        )
    if kind == "questions":
        asked = read_questions(file, format=reading.format, encoding=reading.encoding)
        text = write_questions(asked.questions, to=to, has_impossible=asked.has_impossible)
        return Converted(text, len(asked.questions), (*asked.notes, *asked.warnings))
    if kind == "words":
        tagged = read_sentences(file, format=reading.format, encoding=reading.encoding)
        notes = (*tagged.notes, *tagged.warnings)
        return Converted(write_sentences(tagged.sentences, to=to), len(tagged.sentences), notes)
    texts = read_texts(
        file,
        format=reading.format,
        encoding=reading.encoding,
        text_column=reading.text_column,
        pair_column=pair_column,
        label_column=reading.label_column,
    )
    text = write_texts(texts.rows, to=to, has_many=texts.has_many)
    # A table's reader takes a label whole unless it is told.
    many = (_MANY,) if texts.has_many and to != "jsonl" else ()
    return Converted(text, len(texts.rows), (*texts.notes, *texts.warnings, *many))


_SAID = {"texts": "texts with labels", "words": "tagged words", "questions": "questions"}
