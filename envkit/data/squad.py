"""Read questions to contexts: SQuAD v1.1 and v2, and a flat row a question, told apart by content."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import msgspec

from envkit.api import DataError
from envkit.data.json_records import kind_of
from envkit.data.line_stream import stream_lines
from envkit.data.question_rows import QuestionCollector
from envkit.data.tables import is_parquet_path, parse_table, read_table
from envkit.data.text import name_of, read_text, split_lines

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from envkit.api import Problem
    from envkit.data.rows import Question

FORMATS = ("auto", "squad", "json", "jsonl", "csv", "tsv", "parquet")
_BYTE = re.compile(r"\(byte (\d+)\)")
_NO_JSON = (msgspec.DecodeError, UnicodeEncodeError, RecursionError)
_decoder = msgspec.json.Decoder()


@dataclass(frozen=True)
class QuestionFile:
    """The questions of one file that can be used, and what is wrong in it.

    ``format`` is ``squad``, ``jsonl``, ``json``, ``csv``, ``tsv`` or ``parquet``. ``has_impossible`` says that some
    questions have no answer in their context. ``notes`` say what was found out, ``problems`` what the user
    should know, those of the level ``error`` included, which ``read_questions`` raises.
    """

    file: Path
    questions: tuple[Question, ...] = field(repr=False)
    format: str
    has_impossible: bool
    notes: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()

    @property
    def warnings(self) -> tuple[str, ...]:
        """Return the problems of the level ``warning``, a line each."""
        return tuple(
            f"{problem.place}: {problem.message}"
            + (f" ({problem.count} of this kind)" if problem.count > 1 else "")
            for problem in self.problems
            if problem.level == "warning"
        )


def read_questions(
    file: Path, *, format: str = "auto", encoding: str | None = None, needs_answers: bool = True
) -> QuestionFile:
    """Read a file of questions; ``needs_answers`` says that each must have answers, or be said to have none.

    An answer that is not where its offset says is looked for in the context, and taken from there if it
    stands there exactly once; else it is left out, and with its last answer the question: both with a
    warning. Without ``needs_answers`` all answers are left out, and so is no question.
    Raises: DataError where the file cannot be read, or is broken in its structure.
    """
    found = scan_questions(file, format=format, encoding=encoding, needs_answers=needs_answers)
    for problem in found.problems:
        if problem.level == "error":
            where = problem.place.removeprefix(name_of(file))
            raise DataError(f"{file}{where}: {problem.message}", hint=problem.hint or None)
    if not found.questions:
        raise DataError(
            "the file holds no question that can be used", file=file, hint="Give a file that holds questions"
        )
    return found


def scan_questions(
    file: Path, *, format: str = "auto", encoding: str | None = None, needs_answers: bool = True
) -> QuestionFile:
    """Read a file as ``read_questions`` does, with all that is wrong in its ``problems``.

    Raises: DataError only where nothing can be read.
    """
    if format not in FORMATS:
        raise DataError(
            f"questions are not read from files of the format {format!r}",
            file=file,
            hint=f"Give one of: --format {', '.join(FORMATS)}",
        )
    collector = QuestionCollector(name_of(file), needs_answers=needs_answers)
    found = _collect(file, collector, format=format, encoding=encoding)
    return QuestionFile(
        file=file,
        questions=tuple(collector.questions),
        format=found,
        has_impossible=needs_answers and any(not question.answers for question in collector.questions),
        notes=collector.notes,
        problems=collector.problems,
    )


def is_squad(file: Path, *, encoding: str | None = None) -> bool:
    """Tell whether a file holds SQuAD, one JSON value, rather than a question a row. Raises: DataError."""
    lines = stream_lines(file, encoding=encoding)
    first = next((line for line in lines if line and not line.isspace()), "")
    if not first.lstrip().startswith(("{", "[")):
        return False
    for text in (first, None):
        try:
            value = _decoder.decode(read_text(file, encoding=encoding) if text is None else text)
        except _NO_JSON:
            continue
        if isinstance(value, list):
            value = value[0] if value else None
        return isinstance(value, dict) and ("data" in value or "paragraphs" in value)
    return False


def _collect(file: Path, collector: QuestionCollector, *, format: str, encoding: str | None) -> str:
    """Give all rows of the file to the collector; return the format it is in."""
    if format == "parquet" or (format == "auto" and is_parquet_path(file)):
        return _collect_table(file, collector, format="parquet")
    text = read_text(file, encoding=encoding)
    if format in ("csv", "tsv") or not text.lstrip().startswith(("{", "[")):
        return _collect_table(file, collector, format=format, text=text)
    if format in ("auto", "squad", "json"):
        value = _decode_whole(text, file, is_sure=format != "auto")
        if value is not None:
            return _collect_value(value, collector, file)
    for number, line in enumerate(split_lines(text), start=1):
        if line and not line.isspace():
            _collect_line(line, collector, where=str(number))
    return "jsonl"


def _collect_line(line: str, collector: QuestionCollector, *, where: str) -> None:
    try:
        row = _decoder.decode(line)
    except _NO_JSON as error:
        collector.refuse(f"this is no whole JSON object: {error}", where=where)
    else:
        collector.add(row, where=where)


def _decode_whole(text: str, file: Path, *, is_sure: bool) -> Any:
    """Return the value that the whole text is, or None where each line seems to be one. Raises: DataError."""
    try:
        return _decoder.decode(text)
    except _NO_JSON as error:
        if not is_sure and _is_value(next(line for line in split_lines(text) if line.strip())):
            return None
        place = _BYTE.search(str(error))
        before = text.encode("utf-8", "surrogatepass")[: int(place[1])] if place else None
        raise DataError(
            f"this is no whole JSON: {error}",
            file=file,
            line=None if before is None else before.count(b"\n") + 1,
            hint=f"See where it breaks: python3 -m json.tool {shlex.quote(str(file))} | tail",
        ) from error


def _is_value(line: str) -> bool:
    try:
        _decoder.decode(line)
    except _NO_JSON:
        return False
    return True


def _collect_value(value: Any, collector: QuestionCollector, file: Path) -> str:
    """Collect from one JSON value: SQuAD's object, its list of articles, or a list of flat rows."""
    path = ""
    if isinstance(value, dict) and "question" in value:
        collector.add(value, where="1")
        return "jsonl"
    if isinstance(value, dict) and "data" in value:
        path, value = "data", value["data"]
    elif isinstance(value, dict) and "paragraphs" in value:
        value = [value]
    if not isinstance(value, list):
        keys = ", ".join(map(repr, list(value)[:8])) if isinstance(value, dict) else ""
        found = f"an object with {keys}" if keys else kind_of(value)
        raise DataError(
            f"expected the questions under 'data', found {found}",
            file=file,
            hint='SQuAD reads: {"data": [{"paragraphs": [{"context": "...", "qas": [...]}]}]}',
        )
    if any(isinstance(entry, dict) and "question" in entry for entry in value):
        for number, entry in enumerate(value, start=1):
            collector.add(entry, where=str(number))
        return "json"
    for row, where in _walk(value, path, collector):
        collector.add(row, where=where)
    return "squad"


def _walk(
    articles: list[Any], path: str, collector: QuestionCollector
) -> Iterator[tuple[dict[str, Any], str]]:
    """Yield a flat row for every question of SQuAD's articles, and where it stands."""
    for article_place, article in _each(articles, path, collector):
        paragraphs = _list(article, "paragraphs", article_place, collector)
        for place, paragraph in _each(paragraphs, f"{article_place}.paragraphs", collector):
            context = paragraph.get("context")
            for question_place, question in _each(
                _list(paragraph, "qas", place, collector), f"{place}.qas", collector
            ):
                identifier = question.get("id")
                where = str(identifier) if isinstance(identifier, str | int) else question_place
                yield {**question, "context": context}, where


def _each(values: list[Any], path: str, collector: QuestionCollector) -> Iterator[tuple[str, dict[str, Any]]]:
    for number, value in enumerate(values):
        place = f"{path}[{number}]"
        if isinstance(value, dict):
            yield place, value
        else:
            collector.refuse(f"expected an object, found {kind_of(value)}", where=place)


def _list(value: dict[str, Any], key: str, place: str, collector: QuestionCollector) -> list[Any]:
    found = value.get(key)
    if isinstance(found, list):
        return found
    there = ", ".join(map(repr, list(value)[:8])) or "nothing"
    problem = f"{key!r} is {kind_of(found)}" if key in value else f"it has {there}"
    collector.refuse(f"expected a list {key!r}, but {problem}", where=place)
    return []


def _collect_table(file: Path, collector: QuestionCollector, *, format: str, text: str | None = None) -> str:
    named = ("question", "context")
    if text is None:
        table = read_table(file, format=format, named=named)
    else:
        table = parse_table(
            text, file=file, format=format if format in ("csv", "tsv") else "auto", named=named
        )
    if not set(named) <= set(table.columns):
        raise DataError(
            f"expected the columns 'question' and 'context', found {', '.join(map(repr, table.columns[:8]))}",
            file=file,
            hint="Name the columns id, question, context, answer and answer_start",
        )
    for cells, name in zip(table.rows, table.names, strict=True):
        collector.add(dict(zip(table.columns, cells, strict=True)), where=name.rpartition(":")[2])
    return table.format
