"""Read the answers of annotators: accepted, rejected or ignored, for one class a row or a choice of several."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from envkit.data.text_labels import UnreadableLabelError, label_of, read_labels

if TYPE_CHECKING:
    from collections.abc import Sequence

    from envkit.data.tables import RecordTable

_ANSWERS = frozenset({"accept", "reject", "ignore"})


@dataclass(frozen=True)
class AnsweredTexts:
    """Of each row that counts: its place in the table (from 0) and its labels; and what was left out."""

    rows: list[int]
    labels: list[tuple[str, ...]]
    notes: tuple[str, ...]
    is_list: bool


def is_answered(table: RecordTable) -> bool:
    """Tell whether a table is an export of Prodigy with classes of texts."""
    columns = table.columns
    if "answer" not in columns or "text" not in columns or not {"label", "accept", "cats"} & set(columns):
        return False
    return set(table.column(columns.index("answer"))) <= _ANSWERS | {None}


def read_answers(table: RecordTable, *, many: bool) -> AnsweredTexts:
    """Read the labels of an export; ignored rows are left out.

    With a choice (``accept``, or ``cats``), a row has what was chosen, and a rejected one is left out. With
    one class a row (``label``), a rejected row says that the text is not of this class. Where this class is
    the only one of the file, that is the label ``not CLASS``; else the row is left out, or, with ``many``,
    its text has those of the classes asked about that were accepted. Raises: UnreadableLabelError.
    """
    answers = table.column(table.columns.index("answer"))
    used = [row for row, answer in enumerate(answers) if answer != "ignore"]
    notes = []
    if len(used) < len(answers):
        notes.append(f"{_rows(len(answers) - len(used))} answered 'ignore' left out")
    choice = next((name for name in ("accept", "cats") if name in table.columns), None)
    if choice is None:
        return _read_single(table, answers, used, notes, many=many)
    kept = [row for row in used if answers[row] != "reject"]
    if len(kept) < len(used):
        notes.append(f"{_rows(len(used) - len(kept))} answered 'reject' left out")
    cells = table.column(table.columns.index(choice))
    try:
        read = read_labels([_chosen(cells[row]) for row in kept], many=many)
    except UnreadableLabelError as error:
        raise UnreadableLabelError(str(error), kept[error.row]) from error
    return AnsweredTexts(kept, [labels or () for labels in read.labels], tuple(notes), True)


def _read_single(
    table: RecordTable, answers: Sequence[Any], used: list[int], notes: list[str], *, many: bool
) -> AnsweredTexts:
    cells = table.column(table.columns.index("label"))
    labels = [label_of(cell) or "" for cell in cells]
    classes = {labels[row] for row in used}
    if many:
        return _join_texts(table, labels, answers, used, notes)
    if len(classes) == 1 and any(answers[row] == "reject" for row in used):
        name = classes.pop()
        notes.append(f"rows answered 'reject' have the label 'not {name}'")
        made: list[tuple[str, ...]] = [
            (name,) if answers[row] != "reject" else (f"not {name}",) for row in used
        ]
        return AnsweredTexts(used, made, tuple(notes), False)
    kept = [row for row in used if answers[row] != "reject"]
    if len(kept) < len(used):
        notes.append(f"{_rows(len(used) - len(kept))} answered 'reject' left out: they name no class")
    return AnsweredTexts(kept, [(labels[row],) if labels[row] else () for row in kept], tuple(notes), False)


def _join_texts(
    table: RecordTable, labels: Sequence[str], answers: Sequence[Any], used: list[int], notes: list[str]
) -> AnsweredTexts:
    texts = table.column(table.columns.index("text"))
    first: dict[Any, int] = {}
    accepted: dict[Any, dict[str, None]] = {}
    for row in used:
        text = str(texts[row])
        first.setdefault(text, row)
        chosen = accepted.setdefault(text, {})
        if answers[row] != "reject" and labels[row]:
            chosen[labels[row]] = None
    if len(first) < len(used):
        notes.append(f"{_rows(len(used))} joined into {len(first)} texts")
    return AnsweredTexts(list(first.values()), [tuple(accepted[text]) for text in first], tuple(notes), True)


def _chosen(cell: Any) -> Any:
    return [] if cell is None else cell


def _rows(number: int) -> str:
    return f"{number} row{'s' if number != 1 else ''}"
