"""Take files of questions apart, those of one context together, and put SQuAD together again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from envkit.api import DataError
from envkit.data.cut.documents import decode_json, encode_json
from envkit.data.cut.rows import find_lines, join_array
from envkit.data.cut.units import CutFile, Unit, closed, join_lines, keep_ends, line_end
from envkit.data.json_records import kind_of
from envkit.data.tables import parse_table

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Sequence
    from pathlib import Path

    from envkit.data.cut.units import By, Reading

_Place = tuple[int, int, int]  # article, paragraph in it, question in that
_NAMED = ("question", "context")
_HINT = 'Expected {"data": [{"paragraphs": [{"context": "…", "qas": […]}]}]}, or a question a line'


def cut_questions(text: str, file: Path, reading: Reading, *, by: By) -> CutFile:
    """Take SQuAD apart, a table of questions, or JSON with a question a line or an array of them.

    Raises: DataError.
    """
    if reading.format in ("csv", "tsv") or not text.lstrip().startswith(("{", "[")):
        return _cut_table(text, file, reading, by=by)
    if reading.format == "jsonl":
        return _cut_lines(text, file, by=by)
    try:
        document = decode_json(text, file)
    except DataError:
        if not _begins_with_value(text, file):
            raise
        return _cut_lines(text, file, by=by)  # more than one value: a row a line
    if _is_question(document):
        document = [document]
    rows = document.get("data") if isinstance(document, dict) and "data" in document else document
    if isinstance(rows, list) and any(map(_is_question, rows)):
        return _cut_array(rows, file, reading, by=by)
    return _cut_articles(document, file, reading, by=by)


def _cut_table(text: str, file: Path, reading: Reading, *, by: By) -> CutFile:
    form = reading.format if reading.format in ("csv", "tsv") else "auto"
    table = parse_table(text, file=file, format=form, named=_NAMED)
    if not set(_NAMED) <= set(table.columns):
        raise DataError(
            f"expected the columns 'question' and 'context', found {', '.join(map(repr, table.columns[:8]))}",
            file=file,
            hint="Name the columns id, question, context, answer and answer_start",
        )
    lines = find_lines(text, table)
    end = line_end(text)
    keys = [
        _group(dict(zip(table.columns, cells, strict=True)), number, by, file)
        for number, cells in enumerate(table.rows, start=1)
    ]
    units = _group_units(
        ((key, closed(row, end)) for key, row in zip(keys, lines.rows, strict=True)), "".join
    )
    return CutFile(units, join_lines(text, head=lines.head), by, noun="question")


def _cut_lines(text: str, file: Path, *, by: By) -> CutFile:
    end = line_end(text)
    keyed = (
        (_group(decode_json(line, file, line=number), number, by, file), closed(line, end))
        for number, line in enumerate(keep_ends(text), start=1)
        if line.strip()
    )
    return CutFile(_group_units(keyed, "".join), join_lines(text), by, noun="question")


def _cut_array(rows: Sequence[Any], file: Path, reading: Reading, *, by: By) -> CutFile:
    """Take flat rows apart; the splits are arrays of them, whatever was around them."""
    keyed = (
        (_group(row, number, by, file), encode_json(row, encoding=reading.encoding))
        for number, row in enumerate(rows, start=1)
    )
    return CutFile(_group_units(keyed, ",\n".join), join_array, by, noun="question")


def _cut_articles(document: Any, file: Path, reading: Reading, *, by: By) -> CutFile:
    if isinstance(document, dict) and "data" not in document and "paragraphs" in document:
        articles: Any = [document]  # a single one
    else:
        articles = document.get("data") if isinstance(document, dict) else document
    _check_articles(articles, file)
    groups: dict[Hashable, list[_Place]] = {}
    for place in _places(articles):
        groups.setdefault(_key(articles, place, by), []).append(place)
    units = tuple(Unit(tuple(group), rows=len(group)) for group in groups.values())

    def join(chosen: Sequence[Unit]) -> str:
        kept = _keep(articles, {place for unit in chosen for place in unit.content})
        whole: Any = kept
        if isinstance(document, dict):
            whole = {**document, "data": kept} if "data" in document else kept[0]
        return encode_json(whole, encoding=reading.encoding) + "\n"

    return CutFile(units, join, by, noun="question")


def _group_units(
    keyed: Iterable[tuple[Hashable, str]], join: Callable[[Sequence[str]], str]
) -> tuple[Unit, ...]:
    groups: dict[Hashable, list[str]] = {}
    for key, content in keyed:
        groups.setdefault(key, []).append(content)
    return tuple(Unit(join(group), rows=len(group)) for group in groups.values())


def _group(row: Any, number: int, by: By, file: Path) -> Hashable:
    """Return what the question of this number shares with those that stay with it. Raises: DataError."""
    context = row.get("context") if isinstance(row, dict) else None
    if not isinstance(context, str):
        found = f"a 'context' that is {kind_of(context)}" if isinstance(row, dict) else kind_of(row)
        raise DataError(
            f"expected an object with a string 'context', found {found} in row {number}",
            file=file,
            hint=_HINT,
        )
    title = row.get("title")
    document = title if isinstance(title, str) and title else context
    return {"paragraph": context, "document": document}.get(by, number)


def _is_question(row: Any) -> bool:
    return isinstance(row, dict) and "question" in row


def _begins_with_value(text: str, file: Path) -> bool:
    try:
        decode_json(next(line for line in keep_ends(text) if line.strip()), file)
    except DataError:
        return False
    return True


def _check_articles(articles: Any, file: Path) -> None:
    """Refuse what is not of the form of SQuAD. Raises: DataError that says where."""
    for number, article in enumerate(_list(articles, "data", file)):
        paragraphs = article.get("paragraphs") if isinstance(article, dict) else None
        for place, paragraph in enumerate(_list(paragraphs, f"data[{number}].paragraphs", file)):
            where = f"data[{number}].paragraphs[{place}]"
            if not isinstance(paragraph, dict) or not isinstance(paragraph.get("context"), str):
                raise DataError(f"expected an object with a 'context' at {where}", file=file, hint=_HINT)
            _list(paragraph.get("qas", []), f"{where}.qas", file)


def _list(value: Any, where: str, file: Path) -> list[Any]:
    if not isinstance(value, list):
        raise DataError(
            f"the file is not in the form of SQuAD: expected a list as {where}, found "
            f"{'nothing' if value is None else kind_of(value)}",
            file=file,
            hint=_HINT,
        )
    return value


def _places(articles: Sequence[dict[str, Any]]) -> list[_Place]:
    return [
        (article, number, question)
        for article, content in enumerate(articles)
        for number, paragraph in enumerate(content["paragraphs"])
        for question in range(len(paragraph.get("qas", [])))
    ]


def _key(articles: Sequence[dict[str, Any]], place: _Place, by: By) -> Hashable:
    """Return what a question shares with those that stay with it: one context may stand in several places."""
    if by == "paragraph":
        context: str = articles[place[0]]["paragraphs"][place[1]]["context"]
        return context
    return place[:1] if by == "document" else place


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
