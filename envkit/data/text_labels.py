"""Make labels of what files hold in their place: strings, numbers, lists, or a number for each class."""

from __future__ import annotations

import ast
import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from envkit.data.json_records import kind_of

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

_WHOLE = re.compile(r"[+-]?\d+\.0+")
_SEPARATORS = ("|", ",")
# Where list elements are objects: doccano and Label Studio name a class in one of these.
_NAME_KEYS = ("label", "name", "id", "text")


class UnreadableLabelError(ValueError):
    """A value that is no label: what is wrong with it, and the place of its row, from 0."""

    def __init__(self, problem: str, row: int) -> None:
        super().__init__(problem)
        self.row = row


@dataclass(frozen=True)
class ColumnLabels:
    """The labels of each row, None where the row has no value; what was guessed, for the user.

    ``is_list`` says that the values are lists of labels, of which a row may have any number.
    """

    labels: list[tuple[str, ...] | None]
    notes: tuple[str, ...] = ()
    is_list: bool = False


def read_labels(cells: Sequence[Any], *, many: bool, known: Collection[str] = ()) -> ColumnLabels:
    """Read a column of labels; ``many`` says that a string may hold several, separated by | or commas.

    ``known`` are the labels of the training data, for other data: none of them is cut, and commas separate
    nothing where one of them holds a comma. A number that is whole is written so: 1.0 is the label ``1``.
    Raises: UnreadableLabelError.
    """
    if all(isinstance(cell, str) for cell in cells):
        return _read_strings(cells, many=many, known=frozenset(known))
    is_list = any(isinstance(cell, (list, dict)) for cell in cells)
    made: list[tuple[str, ...] | None] = []
    for row, cell in enumerate(cells):
        if isinstance(cell, dict):
            made.append(_of_scores(cell, row))
        elif isinstance(cell, list):
            made.append(_of_list(cell, row))
        else:
            label = label_of(cell)
            made.append((label,) if label else None)
    return ColumnLabels(made, (), is_list)


def label_of(value: Any) -> str | None:
    """Return the label that a single value is, None for none."""
    if isinstance(value, str):
        label = value.strip()
        return label.partition(".")[0] if _WHOLE.fullmatch(label) else label or None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        if math.isnan(value):  # how tables write that there is nothing
            return None
        return str(int(value)) if value.is_integer() else str(value)
    return None if value is None else str(value)


def _read_strings(cells: Sequence[str], *, many: bool, known: frozenset[str]) -> ColumnLabels:
    distinct = set(cells)
    if any(cell.startswith("[") for cell in distinct) and all(_is_list(cell) for cell in distinct if cell):
        parsed = {cell: _parse_list(cell) for cell in distinct}
        return ColumnLabels([parsed[cell] for cell in cells], (), True)
    made: dict[str, tuple[str, ...] | None] = {}
    separator = (
        _find_separator([cell for cell in distinct if label_of(cell) not in known], known) if many else None
    )
    for cell in distinct:
        if separator is not None and label_of(cell) not in known:
            parts = [label for part in cell.split(separator) if (label := label_of(part))]
            made[cell] = tuple(dict.fromkeys(parts))
        else:
            label = label_of(cell)
            made[cell] = (label,) if label else () if many else None
    notes = []
    if separator is not None:
        notes.append(f"labels separated by {separator!r}")
    fraction = next((cell for cell in sorted(distinct) if _WHOLE.fullmatch(cell.strip())), None)
    if fraction is not None:
        notes.append(f"{fraction.strip()} read as {label_of(fraction)}")
    return ColumnLabels([made[cell] for cell in cells], tuple(notes), many)


def _find_separator(cells: Sequence[str], known: frozenset[str]) -> str | None:
    """Return what separates the labels of these cells, which are more than one known label."""
    possible = [one for one in _SEPARATORS if not any(one in label for label in known)]
    return next((one for one in possible if any(one in cell for cell in cells)), None)


def _is_list(cell: str) -> bool:
    return cell.startswith("[") and cell.endswith("]")


def _parse_list(cell: str) -> tuple[str, ...] | None:
    """Return the labels of a list written as text, as JSON or Python write it, or with bare words."""
    if not cell:
        return None
    try:
        values = msgspec.json.decode(cell)
    except (msgspec.DecodeError, RecursionError):
        try:
            values = ast.literal_eval(cell)
        except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):  # all of them its verdicts
            values = cell[1:-1].split(",")
    return _unique(values)


def _of_list(values: list[Any], row: int) -> tuple[str, ...]:
    named = []
    for value in values:
        if isinstance(value, list) or (isinstance(value, dict) and {"start", "end"} <= value.keys()):
            raise UnreadableLabelError("the labels are spans of the text, expected labels of the text", row)
        if isinstance(value, dict):
            key = next((key for key in _NAME_KEYS if isinstance(value.get(key), (str, int))), None)
            if key is None:
                raise UnreadableLabelError("an object in the list of labels names no label", row)
            value = value[key]
        named.append(value)
    return _unique(named)


def _of_scores(scores: dict[str, Any], row: int) -> tuple[str, ...]:
    """Return the classes that apply: ``{"SPAM": 1.0, "HAM": 0.0}``, as spaCy writes them."""
    chosen = []
    for name, score in scores.items():
        if score is None:
            continue  # Parquet gives every row all keys
        if not isinstance(score, (int, float)) or not 0 <= score <= 1:
            found = score if isinstance(score, (int, float)) else kind_of(score)
            raise UnreadableLabelError(
                f"expected a number from 0 to 1 for each class, found {found} for {name!r}", row
            )
        if score >= 0.5:
            chosen.append(name)
    return _unique(chosen)


def _unique(values: Sequence[Any]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(label for value in values if (label := label_of(value))))
