"""Take files of questions apart, those of one context together, and put SQuAD together again."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from envkit.api import DataError
from envkit.data.cut.units import CutFile, Unit, closed, join_lines, keep_ends, line_end

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from envkit.data.cut.units import By

_Place = tuple[int, int, int]  # article, paragraph in it, question in that


def cut_questions(text: str, file: Path, *, by: By) -> CutFile:
    """Take SQuAD apart, or JSON with a question a line or an array of them. Raises: DataError."""
    try:
        document = json.loads(text)
    except ValueError:  # more than one value: a row a line
        return _cut_lines(text, by=by)
    if _is_question(document):
        return _cut_lines(text, by=by)  # a single one
    if isinstance(document, list) and all(map(_is_question, document)):
        return _cut_array(document, by=by)
    articles = document if isinstance(document, list) else document.get("data")
    if not isinstance(articles, list) or not all("paragraphs" in each for each in articles):
        raise DataError(
            "the file is not in the form of SQuAD",
            file=file,
            hint='Expected {"data": [{"paragraphs": [{"context": "…", "qas": […]}]}]}',
        )
    groups: dict[Any, list[_Place]] = {}
    for place in _places(articles):
        key = {"document": place[:1], "paragraph": place[:2]}.get(by, place)
        groups.setdefault(key, []).append(place)
    units = tuple(Unit(tuple(group), rows=len(group)) for group in groups.values())

    def join(chosen: Sequence[Unit]) -> str:
        kept = _keep(articles, {place for unit in chosen for place in unit.content})
        whole = kept if isinstance(document, list) else {**document, "data": kept}
        return json.dumps(whole, ensure_ascii=False) + "\n"

    return CutFile(units, join, by, noun="question")


def _cut_lines(text: str, *, by: By) -> CutFile:
    groups: dict[Any, list[str]] = {}
    for number, line in enumerate(keep_ends(text)):
        if line.strip():
            key = _group(json.loads(line), number, by)
            groups.setdefault(key, []).append(closed(line, line_end(text)))
    units = tuple(Unit("".join(lines), rows=len(lines)) for lines in groups.values())
    return CutFile(units, join_lines(text), by, noun="question")


def _cut_array(rows: Sequence[dict[str, Any]], *, by: By) -> CutFile:
    groups: dict[Any, list[dict[str, Any]]] = {}
    for number, row in enumerate(rows):
        groups.setdefault(_group(row, number, by), []).append(row)
    units = tuple(Unit(tuple(group), rows=len(group)) for group in groups.values())

    def join(chosen: Sequence[Unit]) -> str:
        lines = [json.dumps(row, ensure_ascii=False) for unit in chosen for row in unit.content]
        return "[\n" + ",\n".join(lines) + "\n]\n"

    return CutFile(units, join, by, noun="question")


def _group(row: dict[str, Any], number: int, by: By) -> Any:
    """Return what the question shares with those that stay with it."""
    context = row.get("context")
    return {"paragraph": context, "document": row.get("title", context)}.get(by, number)


def _is_question(row: Any) -> bool:
    return isinstance(row, dict) and "question" in row


def _places(articles: Sequence[dict[str, Any]]) -> list[_Place]:
    return [
        (article, number, question)
        for article, content in enumerate(articles)
        for number, paragraph in enumerate(content["paragraphs"])
        for question in range(len(paragraph.get("qas", [])))
    ]


def _keep(articles: Sequence[dict[str, Any]], wanted: set[_Place]) -> list[dict[str, Any]]:
    """Return articles and paragraphs with the wanted questions alone, all else in them as it was."""
    kept = []
    for article, content in enumerate(articles):
        paragraphs = []
        for number, paragraph in enumerate(content["paragraphs"]):
            questions = [
                question
                for index, question in enumerate(paragraph.get("qas", []))
                if (article, number, index) in wanted
            ]
            if questions:
                paragraphs.append({**paragraph, "qas": questions})
        if paragraphs:
            kept.append({**content, "paragraphs": paragraphs})
    return kept
