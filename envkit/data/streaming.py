"""Give records to predict on as they come in: typed, a line at a time from standard input, or from files."""

from __future__ import annotations

import queue
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, BinaryIO, TypeVar

from envkit.api import DataError
from envkit.data.delimited import (
    BrokenRowError,
    Dialect,
    Opening,
    broken_row,
    cut_opening,
    find_delimiter,
    header_names,
    numbered,
    split_tabs,
    wrong_width,
)
from envkit.data.doubtful_texts import check_column, check_lines
from envkit.data.folders import is_class_folder, read_class_folder
from envkit.data.headers import judge_header
from envkit.data.json_records import (
    is_json_array,
    is_json_line,
    is_open_object,
    parse_json_array,
    parse_json_lines,
)
from envkit.data.line_stream import look_ahead, stream_lines
from envkit.data.parquet import is_parquet, iterate_parquet
from envkit.data.tables import read_table, suffix_of
from envkit.data.text import STANDARD_INPUT, name_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

    from envkit.api import Inputs

ItemT = TypeVar("ItemT")

_TEXT = "text"  # what the column of the texts is called where nothing names it
_LINES_AHEAD = 200  # of a file; of standard input, the first line alone decides


@dataclass(frozen=True, slots=True)
class Record:
    """One row to predict on: its values by their names, and where it is from (``reviews.csv:12``).

    A typed text, a line of plain text, and the column of the longest texts of a table without a header, are
    the value ``text``; its other columns have their numbers, from 1, as names.
    """

    values: dict[str, Any] = field(repr=False)
    name: str


def stream_records(
    inputs: Inputs,
    *,
    named: Sequence[str | None] = (),
    standard_input: BinaryIO | None = None,
    tell: Callable[[str], None] | None = None,
    most_at_once: int = 64 * 2**20,
) -> Iterator[Record]:
    """Yield a record for each typed text, line of plain text, JSON object, or row of a table.

    Formats are told apart by content, on standard input by the first line: JSON, tabs, or a header with
    commas, else each line is a text, whole, whatever its first word. Blank lines are left out. ``named`` are
    columns that the user spoke of in training (None and numbers are no names), by which a header is known.
    A table in a file of up to ``most_at_once`` bytes is read at once, so that its quotes and its header are judged
    by all of it, as when it is trained on.
    ``tell`` hears what may be wrongly taken for texts, and of blank lines; with it, what clearly is none is refused.
    Raises: DataError.
    """
    if inputs.file is None:
        for number, text in enumerate(inputs.texts, start=1):
            yield Record({"text": text}, f"text:{number}")
        return
    file, format = inputs.file, inputs.format
    if format == "folder" or (format == "auto" and is_class_folder(file)):
        for row in read_class_folder(file, encoding=inputs.encoding):
            yield Record({"text": row.text, "label": row.label}, row.name)
    elif format == "parquet" or (format == "auto" and file != STANDARD_INPUT and is_parquet(file)):
        yield from _stream_parquet(file)
    else:
        lines = stream_lines(file, encoding=inputs.encoding, standard_input=standard_input)
        names = [name for name in named if name and not name.isdecimal()]
        # A number says which column it is, be there a header or not.
        is_numbered = any(name and name.isdecimal() for name in named)
        yield from _stream_text(
            lines, inputs, file, names, _Doubts(tell, is_numbered), most_at_once=most_at_once
        )


def in_batches(records: Iterable[ItemT], *, most: int = 256) -> Iterator[list[ItemT]]:
    """Yield what has come in so far, ``most`` at a time, waiting only where there is nothing.

    A thread reads ahead, a few batches far. What it raises is raised here, after what came before it.
    """
    waiting: queue.Queue[ItemT | _End] = queue.Queue(maxsize=4 * most)
    is_over = threading.Event()
    threading.Thread(target=_fill, args=(records, waiting, is_over), daemon=True).start()
    end: _End | None = None
    try:
        while end is None:
            batch: list[ItemT] = []
            item = waiting.get()
            while not isinstance(item, _End):
                batch.append(item)
                if len(batch) == most or waiting.empty():
                    break
                item = waiting.get()
            else:
                end = item
            if batch:
                yield batch
        if end.error is not None:
            raise end.error
    finally:
        is_over.set()


@dataclass(frozen=True, slots=True)
class _Doubts:
    """Whom to tell of texts that may be none; ``is_numbered`` says that columns were given by number."""

    tell: Callable[[str], None] | None
    is_numbered: bool

    def check_lines(self, opening: Opening, inputs: Inputs) -> None:
        """Tell of lines that may be no texts. Raises: DataError for those that are none."""
        if self.tell is None or inputs.format != "auto" or inputs.file is None:
            return
        told = check_lines(opening, file=inputs.file)
        if told is not None:
            self.tell(told)

    def tell_blank(self, count: int, name: str) -> None:
        """Tell how many lines were blank."""
        if self.tell is not None and count:
            self.tell(f"{count} blank {'line was' if count == 1 else 'lines were'} left out of {name}")

    def check_column(self, rows: Sequence[Sequence[str]], columns: Sequence[str], file: Path) -> None:
        """Tell of the column that is taken for texts. Raises: DataError where it clearly holds none."""
        if self.tell is not None and not self.is_numbered and len(columns) > 1:
            self.tell(check_column(rows, columns.index(_TEXT), file=file))


@dataclass(frozen=True, slots=True)
class _End:
    """The end of what a reader gives, and what ended it if that is an error."""

    error: BaseException | None = None


def _fill(records: Iterable[ItemT], waiting: queue.Queue[ItemT | _End], is_over: threading.Event) -> None:
    end = _End()
    try:
        for record in records:
            if not _put(waiting, record, is_over):
                return
    except BaseException as error:  # noqa: BLE001  # raised again where the batches are used
        end = _End(error)
    _put(waiting, end, is_over)


def _put(waiting: queue.Queue[ItemT | _End], item: ItemT | _End, is_over: threading.Event) -> bool:
    """Put an item in, waiting for room; tell whether anybody still wants it."""
    while not is_over.is_set():
        try:
            waiting.put(item, timeout=0.1)
        except queue.Full:
            continue
        return True
    return False


def _stream_parquet(file: Path) -> Iterator[Record]:
    before = 0
    for columns, rows in iterate_parquet(file):
        for number, row in enumerate(rows, start=before + 1):
            yield Record(dict(zip(columns, row, strict=True)), f"{name_of(file)}:{number}")
        before += len(rows)


def _stream_text(
    lines: Iterator[str],
    inputs: Inputs,
    file: Path,
    named: Sequence[str],
    doubts: _Doubts,
    *,
    most_at_once: int,
) -> Iterator[Record]:
    ahead, lines = look_ahead(lines, most=1 if file == STANDARD_INPUT else _LINES_AHEAD)
    opening = Opening(ahead, is_cut=len(ahead) == _LINES_AHEAD)
    format = _format(opening, file, named) if inputs.format == "auto" else inputs.format
    prefix = name_of(file) + ":"
    if format == "json":
        for number, row in parse_json_array("\n".join(lines), file=file):
            yield Record(row, f"{prefix}{number}")
    elif format in ("jsonl", "prodigy"):
        for number, row in parse_json_lines(lines, file=file):
            yield Record(row, f"{prefix}{number}")
    elif format in ("csv", "tsv"):
        is_whole = file != STANDARD_INPUT and file.stat().st_size <= most_at_once
        if is_whole:
            yield from _read_rows(inputs, file, format, named, doubts)
        else:
            yield from _stream_rows(lines, opening, file, format, named, doubts)
    elif format == "lines":
        doubts.check_lines(opening, inputs)
        blank = 0
        for number, line in enumerate(lines, start=1):
            if line and not line.isspace():
                yield Record({"text": line}, f"{prefix}{number}")
            else:
                blank += 1
        doubts.tell_blank(blank, name_of(file))
    else:
        raise DataError(
            f"the format {format!r} holds no texts to predict on",
            file=file,
            hint="Give --format lines, csv, tsv, jsonl, json, parquet or folder",
        )


def _format(opening: Opening, file: Path, named: Sequence[str]) -> str:
    first = opening.lines[0] if opening.lines else ""
    if is_json_array(first) or is_open_object(first):
        return "json"
    if is_json_line(first):
        return "jsonl"
    if suffix_of(file) in (".csv", ".tsv"):
        return suffix_of(file)[1:]
    if find_delimiter(opening, preferred="\t") is not None:
        return "tsv"
    comma = find_delimiter(opening, preferred=",;")
    # Commas are in most texts; those of a table are known by its header.
    is_table = comma is not None and ", " not in first and _is_header([first.split(comma)], named)
    return "csv" if is_table else "lines"


def _is_header(rows: Sequence[Sequence[str]], named: Sequence[str]) -> bool:
    return judge_header(rows, named=named).is_header


def _read_rows(
    inputs: Inputs, file: Path, format: str, named: Sequence[str], doubts: _Doubts
) -> Iterator[Record]:
    table = read_table(file, format=format, encoding=inputs.encoding, named=named)
    columns = table.columns
    if not table.has_header:
        columns = _numbered(table.rows[:_LINES_AHEAD])
        doubts.check_column(table.rows[:_LINES_AHEAD], columns, file)
    for name, row in zip(table.names, table.rows, strict=True):
        yield Record(dict(zip(columns, row, strict=True)), name)


def _stream_rows(
    lines: Iterator[str],
    opening: Opening,
    file: Path,
    format: str,
    named: Sequence[str],
    doubts: _Doubts,
) -> Iterator[Record]:
    preferred = "\t,;|" if format == "tsv" else ",;|\t"
    dialect = Dialect(find_delimiter(opening, preferred=preferred) or preferred[0], has_quotes=True)
    rows = dialect.split(line + "\n" for line in lines)
    if dialect.delimiter == "\t":
        rows = ((number, split_tabs(line)) for number, line in enumerate(lines, start=1) if line.strip())
    columns: tuple[str, ...] = ()
    try:
        for line, cells in rows:
            if not columns:
                if _is_header(cut_opening(opening, dialect) or [cells], named):
                    columns = header_names(cells)
                    continue
                columns = _numbered([cells])
                doubts.check_column([cells], columns, file)
            if len(cells) != len(columns):
                raise wrong_width(file, line, len(cells), len(columns), dialect)
            yield Record(dict(zip(columns, cells, strict=True)), f"{name_of(file)}:{line}")
    except BrokenRowError as error:
        raise broken_row(file, error) from error


def _numbered(rows: Sequence[Sequence[str]]) -> tuple[str, ...]:
    """Return the names of columns without a header, by their first rows."""
    names = list(numbered(len(rows[0])))
    lengths = [sum(len(row[index]) for row in rows) for index in range(len(names))]
    names[lengths.index(max(lengths))] = _TEXT
    return tuple(names)
