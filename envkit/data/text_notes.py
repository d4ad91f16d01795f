"""What the user is told of a table of texts: what was guessed, left out, and is wrong with its labels."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from envkit.api import DataError
from envkit.data.text import name_of
from envkit.data.text_columns import TextColumns, list_columns

if TYPE_CHECKING:
    from collections.abc import Sequence

    from envkit.data.tables import RecordTable
    from envkit.data.text_labels import ColumnLabels, UnreadableLabelError

# A column with more different values than this share of its rows holds no classes, if it has some rows.
_MOST_LABELS = 0.8
_ROWS_TO_JUDGE = 20
_LONGEST_NAME = 40  # of a column, as a hint repeats it


def left_out(place: str, number: int) -> str:
    """Return the warning that rows were left out, the first of them at ``place``."""
    return f"{place}: left out {number} row{'s' if number != 1 else ''} with an empty text"


def line_of(table: RecordTable, row: int) -> int:
    """Return the line of a row (from 0), or its number where the file has no lines."""
    return int(table.names[row].rpartition(":")[2])


def check_classes(table: RecordTable, column: int, read: ColumnLabels) -> None:
    """Raise DataError where nearly every label of a guessed column is another."""
    different = len(set(read.labels))
    if len(table.rows) < _ROWS_TO_JUDGE or different <= _MOST_LABELS * len(table.rows):
        return
    raise DataError(
        f"the column {table.columns[column]!r} holds no classes: {different} different labels "
        f"in {len(table.rows)} rows",
        file=table.file,
        hint=f"Name the column of the labels: --label-column NAME. {list_columns(table.columns)}",
    )


def missing_labels(table: RecordTable, missing: Sequence[int], column: int) -> DataError:
    """Return the error for rows without a label."""
    number = len(missing)
    return DataError(
        f"{number} row{'s have' if number != 1 else ' has'} no label in {table.columns[column]!r}"
        f"{', this is the first' if number != 1 else ''}",
        file=table.file,
        line=line_of(table, missing[0]),
        hint="Give every row a label, or take the rows without one out",
    )


def unreadable_labels(table: RecordTable, error: UnreadableLabelError) -> DataError:
    """Return the error for a cell that holds no label."""
    hint = f"Name the column of the labels: --label-column NAME. {list_columns(table.columns)}"
    if "spans" in str(error):
        hint = "Labels of spans are for the task ner: envkit run ner"
    return DataError(str(error), file=table.file, line=line_of(table, error.row), hint=hint)


def column_notes(table: RecordTable, columns: TextColumns, read: ColumnLabels) -> tuple[str, ...]:
    """Return what was guessed of the columns, a line each."""
    name = name_of(table.file)
    notes = [f"{name}: {note}" for note in read.notes]
    if columns.is_guessed and columns.label is not None:
        named = [repr(column) if table.has_header else column for column in table.columns]
        texts = [named[place] for place in (columns.text, columns.pair) if place is not None]
        header = "" if table.has_header else "no header; "
        text = f"text from column{'s' if len(texts) > 1 else ''} {' and '.join(texts)}"
        label = named[columns.label] if table.has_header else f"column {named[columns.label]}"
        notes.insert(0, f"{name}: {header}{text}, label from {label}")
    if table.is_in_doubt:
        cell = str(table.rows[0][columns.text]).strip()
        said = shlex.quote(cell) if 0 < len(cell) <= _LONGEST_NAME else "NAME"
        notes.append(f"{name}: read the first row as data; if it is a header: --text-column {said}")
    return tuple(notes)
