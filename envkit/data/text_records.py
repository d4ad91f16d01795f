"""Take the texts out of records to predict on: from the same columns in all of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from envkit.api import DataError
from envkit.data.json_records import kind_of
from envkit.data.rows import TextRow
from envkit.data.text_columns import find_texts, list_columns
from envkit.data.text_labels import label_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from envkit.data.streaming import Record
    from envkit.data.used_columns import UsedColumns


@dataclass(frozen=True, slots=True)
class TextRecord:
    """The text of a record, with its pair if it has one, and the values that are neither."""

    row: TextRow
    others: dict[str, Any] = field(repr=False)


def find_text_rows(
    records: Iterable[Record],
    *,
    text_column: str | None = None,
    pair_column: str | None = None,
    has_pair: bool | None = None,
    trained: UsedColumns | None = None,
    tell: Callable[[str], None] | None = None,
) -> Iterator[TextRecord]:
    """Yield each record with its text, from the columns that are chosen by the first record.

    Columns are given by name or by number from 1; by default they are guessed. ``has_pair`` says whether a
    second text is needed (True) or never read (False); None reads it where there is one. ``trained`` are the
    columns that a model was trained on: where the first record has them, and none are given, they are read.
    ``tell`` is told which column was guessed, where that is not the one trained on.
    Numbers are texts as they are written. Raises: DataError where a record has no text, or no pair where one is needed.
    """
    text: str | None = None
    pair: str | None = None
    for number, record in enumerate(records):
        values = record.values
        if number == 0:
            found = None if trained is None else trained.among(list(values), needs_label=False)
            if found is not None:
                text_column, pair_column = text_column or found.text, pair_column or found.pair
            text, pair = find_texts(values, text_column=text_column, pair_column=pair_column)
            if has_pair is False:
                pair = None
            elif has_pair and pair is None and "pair" in values:
                pair = "pair"  # as typed pairs are called
            if text_column is None and text is not None and isinstance(values[text], (list, dict)):
                text = None  # a file of another kind, whose rows lie inside
            if tell is not None and text is not None and text_column is None:
                _tell_guess(record, text, trained, tell)
        if text is None or (has_pair and pair is None):
            raise _no_text(record, text, pair_column or "pair")
        second = None
        if pair is not None and (has_pair or values.get(pair) is not None):
            second = _string(record, pair)
        row = TextRow(_string(record, text), (), record.name, second)
        yield TextRecord(row, {name: value for name, value in values.items() if name not in (text, pair)})


def _string(record: Record, column: str) -> str:
    value = record.values.get(column)
    if isinstance(value, str):
        return value
    if isinstance(value, (int, float)) and (written := label_of(value)) is not None:
        return written
    found = kind_of(value) if column in record.values else f"only {_named(record)}"
    raise DataError(
        f"expected a text in {column!r}, found {found}",
        file=record.name,
        hint=f"Texts are read from the column {column!r} in all rows: give one, or leave the row out",
    )


def _no_text(record: Record, text: str | None, pair: str) -> DataError:
    if text is None:
        return DataError(
            f"expected a text, found {_named(record)}",
            file=record.name,
            hint=f"Name the column of the texts: --text-column NAME. {list_columns(list(record.values))}",
        )
    return DataError(
        f"there is nothing beside the text in {text!r}, expected pairs as in the training data",
        file=record.name,
        hint=f'Give JSON as {{"{text}": "…", "{pair}": "…"}}, or a table with these columns',
    )


def _tell_guess(record: Record, text: str, trained: UsedColumns | None, tell: Callable[[str], None]) -> None:
    """Tell which column is taken for the texts, where another was trained on and the name does not say it."""
    wanted = None if trained is None else trained.text
    if text == wanted or text == "text" or (wanted is None and len(record.values) == 1):
        return
    lacking = f" (the model was trained on {wanted!r}, which is not there)" if isinstance(wanted, str) else ""
    file = record.name.rpartition(":")[0]
    tell(f"{file}: texts are taken from column {text!r}{lacking}; if that is wrong: --text-column NAME")


def _named(record: Record) -> str:
    return ", ".join(map(repr, list(record.values)[:8])) or "nothing"
