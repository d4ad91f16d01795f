"""Read texts with their labels from whatever holds them: tables, JSON, lines, folders, annotators' exports."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from envkit.api import DataError
from envkit.data.folders import is_class_folder, read_class_folder, unlabelled_folders
from envkit.data.json_records import kind_of
from envkit.data.label_lines import FASTTEXT, has_label_first, parse_label_lines
from envkit.data.prodigy_texts import is_answered, read_answers
from envkit.data.rows import TextRow
from envkit.data.tables import (
    TABLE_FORMATS,
    find_format,
    find_opening,
    is_parquet_path,
    parse_table,
    read_table,
    suffix_of,
)
from envkit.data.text import name_of, read_text, split_lines
from envkit.data.text_columns import TextColumns, choose_text_columns, list_columns
from envkit.data.text_labels import UnreadableLabelError, label_of, read_labels
from envkit.data.text_notes import (
    check_classes,
    column_notes,
    left_out,
    line_of,
    missing_labels,
    unreadable_labels,
)
from envkit.data.used_columns import UsedColumns

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from pathlib import Path

    from envkit.data.tables import RecordTable

_LINES = "lines"


@dataclass(frozen=True)
class TextFile:
    """The rows of one file or folder and the format it was in.

    ``notes`` say what was guessed and ``warnings`` what was left out, for the user; ``has_many`` that there
    are rows with several labels or none. ``columns`` are those of a table that were read.
    """

    file: Path
    rows: tuple[TextRow, ...] = field(repr=False)
    format: str
    notes: tuple[str, ...]
    warnings: tuple[str, ...]
    has_many: bool
    columns: UsedColumns | None = None


def read_texts(
    file: Path,
    *,
    format: str = "auto",
    encoding: str | None = None,
    text_column: str | None = None,
    pair_column: str | None = None,
    label_column: str | None = None,
    labels: Literal["one", "many"] = "one",
    known_labels: Collection[str] = (),
    trained: UsedColumns | None = None,
) -> TextFile:
    """Read texts with labels. Columns are given by name or by number from 1; by default they are guessed.

    With ``many``, one string may hold several labels, separated by | or commas; ``known_labels``, those of
    the training data, are not cut. Lists of labels are read as such either way: see ``has_many``. Rows with
    an empty text are left out, with a warning. ``trained`` are the columns that a model was trained on: where
    the file has them all, and none are given, they are read. Raises: DataError, with file and line, where the
    file cannot be read, where a row has no label, and where a guessed column of labels holds hardly two that
    are alike.
    """
    many = labels == "many"
    if format == "folder" or (format == "auto" and is_class_folder(file)):
        return _read_folder(file, encoding)
    named = [name for name in (text_column, pair_column, label_column) if name and not name.isdecimal()]
    if trained is not None:
        named += trained.names
    if format == "parquet" or (format == "auto" and is_parquet_path(file)):
        table = read_table(file, format="parquet")
    else:
        text = read_text(file, encoding=encoding)
        found = _find_format(text, file=file, format=format)
        if found == _LINES:
            return _read_lines(text, file)
        if found not in TABLE_FORMATS:
            raise DataError(
                f"the format {format!r} holds no labelled texts",
                file=file,
                hint=f"Give one of: --format {', '.join(TABLE_FORMATS)}, prodigy, lines, folder",
            )
        table = parse_table(text, file=file, format=found, named=named)
    if format == "prodigy" or (label_column is None and text_column is None and is_answered(table)):
        return _read_answered(table, many=many)
    found_again = None if trained is None else trained.among(table.columns, needs_label=True)
    if found_again is not None:
        text_column = text_column or found_again.text
        pair_column = pair_column or found_again.pair
        label_column = label_column or found_again.label
    columns = choose_text_columns(
        table, text_column=text_column, pair_column=pair_column, label_column=label_column
    )
    return _read_columns(table, columns, many=many, known=known_labels)


def _find_format(text: str, *, file: Path, format: str) -> str:
    if format == "prodigy":
        return "jsonl"
    if format != "auto":
        return format
    found = find_format(text, file=file)
    # Commas that cut all lines alike may be those of texts, as in `3 well made , well played`.
    is_in_doubt = found is None or (found == "csv" and suffix_of(file) != ".csv")
    if is_in_doubt and has_label_first(find_opening(text).lines):
        return _LINES
    if found is None:
        raise DataError(
            "the file has no form that is known: no table, no JSON, no label before each line",
            file=file,
            hint="Write a text, a tab and its label on each line; or name the form: --format lines, csv, …",
        )
    return found


def _read_columns(
    table: RecordTable, columns: TextColumns, *, many: bool, known: Collection[str]
) -> TextFile:
    if columns.label is None:
        raise DataError(
            "there is no column with labels",
            file=table.file,
            hint=f"Name it: --label-column NAME. {list_columns(table.columns)}",
        )
    try:
        read = read_labels(table.column(columns.label), many=many, known=known)
    except UnreadableLabelError as error:
        raise unreadable_labels(table, error) from error
    if columns.is_label_guessed and not read.is_list:
        check_classes(table, columns.label, read)
    texts = _strings(table, columns.text)
    pairs = None if columns.pair is None else _strings(table, columns.pair)
    kept, warnings = _kept(table, texts)
    missing = [row for row in kept if read.labels[row] is None]
    if missing:
        raise missing_labels(table, missing, columns.label)
    filled: list[Sequence[Any]] = [texts, read.labels, table.names, *([] if pairs is None else [pairs])]
    if len(kept) < len(texts):
        filled = [[cells[row] for row in kept] for cells in filled]
    rows = tuple(map(TextRow, *filled))
    notes = column_notes(table, columns, read)
    has_many = read.is_list and _has_many(rows)
    used = UsedColumns.of(
        table.columns,
        text=columns.text,
        pair=columns.pair,
        label=columns.label,
        has_header=table.has_header,
    )
    return TextFile(table.file, rows, table.format, notes, warnings, has_many, used)


def _read_answered(table: RecordTable, *, many: bool) -> TextFile:
    if not is_answered(table):
        missing = [name for name in ("text", "answer") if name not in table.columns]
        raise DataError(
            f"this is no export of Prodigy: it lacks {' and '.join(map(repr, missing)) or 'classes'}",
            file=table.file,
            hint="A line reads: {'text': …, 'label': …, 'answer': 'accept'}. Leave --format out to guess",
        )
    try:
        read = read_answers(table, many=many)
    except UnreadableLabelError as error:
        raise unreadable_labels(table, error) from error
    texts = _strings(table, table.columns.index("text"))
    kept, warnings = _kept(table, texts, among=read.rows)
    labels = dict(zip(read.rows, read.labels, strict=True))
    unlabelled = [row for row in kept if not labels[row]]
    if unlabelled and not read.is_list:
        raise missing_labels(table, unlabelled, table.columns.index("label"))
    rows = tuple([TextRow(texts[row], labels[row], table.names[row]) for row in kept])
    name = name_of(table.file)
    notes = (f"{name}: answers of Prodigy", *(f"{name}: {note}" for note in read.notes))
    return TextFile(table.file, rows, "prodigy", notes, warnings, _has_many(rows))


def _read_lines(text: str, file: Path) -> TextFile:
    found = parse_label_lines(split_lines(text), file=file)
    prefix = name_of(file) + ":"
    empty = [row.line for row in found if not row.text]
    if len(empty) == len(found):
        raise DataError("no line has a text after its label", file=file, line=empty[0])
    rows = tuple([TextRow(row.text, row.labels, f"{prefix}{row.line}") for row in found if row.text])
    is_marked = text.lstrip().startswith(FASTTEXT)
    what = f"labels are the words {FASTTEXT}… that begin" if is_marked else "the label is the first word of"
    note = f"{name_of(file)}: {what} each line"
    warnings = (left_out(f"{file}:{empty[0]}", len(empty)),) if empty else ()
    return TextFile(file, rows, _LINES, (note,), warnings, _has_many(rows))


def _read_folder(folder: Path, encoding: str | None) -> TextFile:
    found = read_class_folder(folder, encoding=encoding)
    rows = tuple([TextRow(row.text, (row.label,), row.name) for row in found if row.text])
    empty = [row.name for row in found if not row.text]
    if not rows:
        raise DataError("all files of the folder are empty", file=folder, hint="Give files with texts")
    classes = list(dict.fromkeys(row.label for row in found))
    shown = ", ".join(classes[:5]) + (f" and {len(classes) - 5} more" if len(classes) > 5 else "")
    note = f"{folder.name}: the label is the folder of each file ({shown})"
    warnings: tuple[str, ...] = (left_out(f"{folder}/{empty[0]}", len(empty)),) if empty else ()
    warnings += tuple(
        f"{folder}: left out {name}/, as texts without a label" for name in unlabelled_folders(folder)
    )
    return TextFile(folder, rows, "folder", (note,), warnings, False)


def _strings(table: RecordTable, column: int) -> list[str]:
    """Return a column as texts: numbers as they are written, nothing as an empty text. Raises: DataError."""
    cells = table.column(column)
    if table.format in ("csv", "tsv"):
        return cells
    for row, cell in enumerate(cells):
        if type(cell) is not str:
            if isinstance(cell, (list, dict)):
                raise DataError(
                    f"expected a string in {table.columns[column]!r}, found {kind_of(cell)}",
                    file=table.file,
                    line=line_of(table, row),
                    hint=f"Name the column of the text: --text-column NAME. {list_columns(table.columns)}",
                )
            cells[row] = label_of(cell) or ""
    return cells


def _kept(
    table: RecordTable, texts: Sequence[str], *, among: Sequence[int] | None = None
) -> tuple[list[int], tuple[str, ...]]:
    asked = range(len(texts)) if among is None else among
    kept = [row for row in asked if texts[row] and not texts[row].isspace()]
    if len(kept) == len(asked):
        return kept, ()
    first = next(row for row in asked if not texts[row] or texts[row].isspace())
    if not kept:
        raise DataError(
            "all texts are empty",
            file=table.file,
            hint=f"Name the column of the text: --text-column NAME. {list_columns(table.columns)}",
        )
    place = f"{table.file}:{line_of(table, first)}"
    return kept, (left_out(place, len(asked) - len(kept)),)


def _has_many(rows: Sequence[TextRow]) -> bool:
    return any(len(row.labels) != 1 for row in rows)
