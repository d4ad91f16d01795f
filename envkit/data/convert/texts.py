"""Write texts with labels, so that ``read_texts`` reads from it what it read before."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

import msgspec

from envkit.api import DataError
from envkit.data.text import split_lines

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from envkit.data.rows import TextRow

TEXT_FORMATS = ("jsonl", "csv", "tsv")
_DELIMITERS = {"csv": ",", "tsv": "\t"}
_MANY = "|"


def write_texts(rows: Sequence[TextRow], *, to: str, has_many: bool = False) -> str:
    """Return the rows as ``jsonl``, ``csv`` or ``tsv``: columns text, pair where there are pairs, and label.

    With ``has_many`` a label is a list, in CSV and TSV one string with ``|`` between the labels. Raises:
    DataError for what a table cannot hold so that it reads back.
    """
    has_pairs = any(row.pair is not None for row in rows)
    if to == "jsonl":
        return "".join(_line(row, has_pairs=has_pairs, has_many=has_many) for row in rows)
    return _table(rows, delimiter=_DELIMITERS[to], has_pairs=has_pairs, has_many=has_many)


def _line(row: TextRow, *, has_pairs: bool, has_many: bool) -> str:
    values: dict[str, Any] = {"text": row.text}
    if has_pairs:
        values["pair"] = row.pair or ""
    values["label"] = list(row.labels) if has_many else row.labels[0]
    return msgspec.json.encode(values).decode() + "\n"


def _table(rows: Sequence[TextRow], *, delimiter: str, has_pairs: bool, has_many: bool) -> str:
    lines = _Lines()
    # The writer puts quotes round what holds a part of its line end, and a lone \r ends a line for readers.
    writer = csv.writer(lines, delimiter=delimiter, lineterminator="\r\n")
    writer.writerow(["text", *(["pair"] if has_pairs else []), "label"])
    for row in rows:
        label = _MANY.join(row.labels) if has_many else row.labels[0]
        if has_many and any(_MANY in each or "," in each for each in row.labels):
            raise DataError(
                f"{row.name}: a label holds {_MANY} or a comma, which separate labels in a table",
                hint="Write lines of JSON instead: --to jsonl",
            )
        if delimiter == "\t" and any(
            mark in text for text in (row.text, row.pair or "") for mark in "\t\n\r"
        ):
            raise DataError(
                f"{row.name}: the text holds a tab or a line end, which a TSV has no room for",
                hint="Write lines of JSON instead: --to jsonl",
            )
        writer.writerow([row.text, *([row.pair or ""] if has_pairs else []), label])
    text = "".join(lines)
    _check_readable(text, len(rows), delimiter)
    return text


class _Lines(list[str]):
    """The rows that a csv writer writes, each with a plain line end."""

    def write(self, row: str) -> None:
        self.append(row.removesuffix("\r\n") + "\n")


def _check_readable(text: str, rows: int, delimiter: str) -> None:
    """Refuse a table whose cells hold line ends so that its lines are a table too. Raises: DataError."""
    lines = split_lines(text)
    if len(lines) > rows + 1 and len({line.count(delimiter) for line in lines}) == 1:
        raise DataError(
            "texts with line ends would not read back from this table",
            hint="Write lines of JSON instead: --to jsonl",
        )
