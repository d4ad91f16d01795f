"""Tell what a file is of: texts with labels, tagged words, or questions to a context."""

from __future__ import annotations

import csv
import json
from itertools import islice
from typing import TYPE_CHECKING, Any, Literal

from envkit.data.columns import parse_columns
from envkit.data.tables import is_parquet_path, read_table
from envkit.data.tag_schemes import is_tag
from envkit.data.text import read_text, split_lines

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

from envkit.api import DataError

Kind = Literal["texts", "words", "questions"]
_KIND_OF_TASK: dict[str, Kind] = {"ner": "words", "qa": "questions"}
_KIND_OF_FORMAT: dict[str, Kind] = {"conll": "words", "squad": "questions"}
_ROWS = 100  # that are looked at
_HEADER = 1000  # characters of a first line in which the names of columns are looked for


def find_kind(
    file: Path, *, task: str | None = None, format: str = "auto", encoding: str | None = None
) -> Kind:
    """Tell by the task or format, where they say it, else by the content. Raises: DataError."""
    if task is not None:
        return _KIND_OF_TASK.get(task, "texts")
    if format in _KIND_OF_FORMAT:
        return _KIND_OF_FORMAT[format]
    if file.is_dir() or format in ("folder", "lines"):
        return "texts"
    if is_parquet_path(file):
        table = read_table(file)
        return _kind_of_objects([dict(zip(table.columns, row, strict=True)) for row in table.rows[:_ROWS]])
    text = read_text(file, encoding=encoding)
    if text.lstrip().startswith(("{", "[")):
        objects = _objects(text)
        if objects:
            return _kind_of_objects(objects)
    if _has_question_header(text):
        return "questions"
    return "words" if _has_columns(text, file) else "texts"


def _has_question_header(text: str) -> bool:
    """Tell whether the first line names the columns of a table of questions."""
    first = next(line for line in split_lines(text) if line and not line.isspace())[:_HEADER]
    return any(
        {"context", "question"}
        <= {cell.strip() for row in csv.reader([first], delimiter=delimiter) for cell in row}
        for delimiter in ",;\t|"
    )


def _objects(text: str) -> list[dict[str, Any]]:
    """Return the first objects of JSONL, or those of the whole text; what is no JSON gives none."""
    lines = (line for line in split_lines(text) if line and not line.isspace())
    try:
        found = [json.loads(line) for line in islice(lines, _ROWS)]
    except (ValueError, RecursionError):
        try:
            found = [json.loads(text)]
        except (ValueError, RecursionError):
            return []
    if len(found) == 1 and isinstance(found[0], list):
        found = found[0][:_ROWS]
    return [each for each in found if isinstance(each, dict)]


def _kind_of_objects(objects: Sequence[dict[str, Any]]) -> Kind:
    keys = set().union(*objects)
    if {"context", "question"} <= keys or _is_squad(objects[0]):
        return "questions"
    if "tokens" in keys and keys & {"tags", "ner_tags"}:
        return "words"
    if keys & {"spans", "entities"}:
        return "words"
    labels = [row.get("label", row.get("labels")) for row in objects]
    return "words" if any(isinstance(each, list) and _is_span(each[:1]) for each in labels) else "texts"


def _is_squad(row: dict[str, Any]) -> bool:
    data = row.get("data")
    return "paragraphs" in row or (
        isinstance(data, list) and bool(data) and isinstance(data[0], dict) and "paragraphs" in data[0]
    )


def _is_span(labels: list[Any]) -> bool:
    """Tell whether the first of a row's labels is a span, as doccano writes it: ``[0, 3, "PER"]``."""
    return bool(labels) and isinstance(labels[0], (list, dict)) and len(labels[0]) >= 3


def _has_columns(text: str, file: Path) -> bool:
    """Tell whether most lines end with an entity tag, in columns of one number."""
    lines = split_lines(text)[: 10 * _ROWS]
    try:
        sentences = parse_columns(lines, file=file)
    except DataError:
        return False
    last = [row[-1] for sentence in sentences for row in sentence.rows]
    is_wide = bool(sentences) and len(sentences[0].rows[0]) > 1
    return is_wide and 2 * sum(map(is_tag, last)) > len(last)
