"""Write predictions a row at a time, as JSONL, CSV or CoNLL columns, and each as soon as it is known."""

from __future__ import annotations

import csv
import errno
import io
import os
import select
from typing import TYPE_CHECKING, Any

import msgspec

from envkit.api import DataError, EnvkitError, UsageError
from envkit.worker.predictions import prediction_line

if TYPE_CHECKING:
    from collections.abc import Callable

    from envkit.api import Prediction
    from envkit.worker.use_request import RowFormat

_SCORES = "scores"
_READER_GONE = (errno.EPIPE, errno.EIO)
_BREAKS_A_COLUMN = ("\t", "\n", "\r")


class ReaderGone(Exception):
    """Say that nobody reads the output any more: there is nothing left to be done."""


class RowsFile:
    """An open file descriptor that rows go to, whole and at once: no buffer stands between row and reader."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def write(self, row: bytes) -> None:
        """Write the row. Raises: ReaderGone where its reader has left, EnvkitError where it has no room."""
        rest = memoryview(row)
        while rest:
            try:
                rest = rest[os.write(self._descriptor, rest) :]
            except BlockingIOError:  # whoever made this pipe made it so
                select.select([], [self._descriptor], [])
            except OSError as error:
                if error.errno in _READER_GONE:
                    raise ReaderGone from error
                raise EnvkitError(
                    f"the output cannot be written: {'it is closed' if error.errno == errno.EBADF else error.strerror}",
                    hint="To look for room: df -h" if error.errno == errno.ENOSPC else None,
                ) from error


def row_writer(to: RowFormat, *, task: str, warn: Callable[[str], None]) -> Callable[[Prediction], bytes]:
    """Return what turns predictions, one after the other, into bytes of this format.

    What it returns raises UsageError or DataError for a prediction that has no place in the format; what it
    has to leave out, it says to ``warn``, once.
    """
    if to == "csv":
        return CsvRows(warn=warn).row
    if to == "conll":
        return lambda prediction: conll_row(prediction, task=task)
    return prediction_line


class CsvRows:
    """Rows of CSV as RFC 4180 has them, but with plain line ends, under a header from the first row's fields.

    The field ``scores``, an object of a number a label, becomes a column a label: ``score_LABEL``.
    """

    def __init__(self, *, warn: Callable[[str], None]) -> None:
        self._warn = warn
        self._columns: list[str] = []
        self._left_out: set[str] = set()

    def row(self, prediction: Prediction) -> bytes:
        """Return the line of a prediction, with the header before the first; lists and other objects stay JSON."""
        fields = _with_score_columns(msgspec.json.decode(prediction_line(prediction)))
        header = b""
        if not self._columns:
            self._columns = list(fields)
            header = _csv_line(self._columns)
        for name in fields.keys() - self._columns - self._left_out:
            self._left_out.add(name)
            self._warn(
                f"The field {name!r} is left out: the first row, from which the header is, lacks it. "
                "To have all: --to jsonl"
            )
        return header + _csv_line([_csv_cell(fields.get(name)) for name in self._columns])


def conll_row(prediction: Prediction, *, task: str) -> bytes:
    """Return the lines of a sentence, columns between tabs, and the empty line that ends it.

    Raises: UsageError where the task labels no words, DataError for a cell that would break the columns.
    """
    if prediction.columns is None:
        raise UsageError(
            f"the task {task} labels no words, so its predictions have no columns", hint="Take --to jsonl"
        )
    for cell in (cell for line in prediction.columns for cell in line):
        if not cell or any(character in cell for character in _BREAKS_A_COLUMN):
            raise DataError(
                f"{cell!r} cannot stand in a column",
                file=prediction.fields.get("name"),
                hint="Take --to jsonl, which holds any word",
            )
    lines = ["\t".join(line) for line in prediction.columns]
    return ("\n".join(lines) + "\n\n").encode("utf-8")


def _with_score_columns(fields: dict[str, Any]) -> dict[str, Any]:
    """Return the fields with one for each label's score in place of the object that has them all."""
    scores = fields.get(_SCORES)
    if not isinstance(scores, dict) or not all(isinstance(score, int | float) for score in scores.values()):
        return fields
    columns = {}
    for label, score in scores.items():
        column = f"score_{label}"
        while column in fields:  # of the user's own
            column = f"score_{column}"
        columns[column] = score
    found: dict[str, Any] = {}
    for name, value in fields.items():
        found |= columns if name == _SCORES else {name: value}
    return found


def _csv_line(cells: list[str]) -> bytes:
    line = io.StringIO()
    # The module quotes a carriage return only where line ends have one; they are then taken off.
    csv.writer(line, lineterminator="\r\n").writerow(cells)
    return line.getvalue().removesuffix("\r\n").encode("utf-8") + b"\n"


def _csv_cell(value: Any) -> str:
    if isinstance(value, str):
        return value
    return "" if value is None else msgspec.json.encode(value).decode("utf-8")
