"""Columns of the training are found again in other files."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from envkit.api import Inputs
from envkit.data.streaming import stream_records
from envkit.data.text_records import find_text_rows
from envkit.data.texts import TextFile, read_texts
from envkit.data.used_columns import FoundColumns, UsedColumns

if TYPE_CHECKING:
    from pathlib import Path

ROWS = [
    f"{number};Ein {word} Film {number};{label}"
    for number in range(6)
    for word, label in (("guter", "ja"), ("übler", "nein"))
]
TITLED = "id;Titel;Kategorie\n" + "".join(f"{row}\n" for row in ROWS)


def trained_on(tmp_path: Path, text: str, **options: str) -> UsedColumns:
    file = tmp_path / "train.csv"
    file.write_text(text)
    columns = read_texts(file, **options).columns  # type: ignore[arg-type]
    assert columns is not None
    assert UsedColumns.from_builtins(columns.to_builtins()) == columns
    return columns


def scored(file: Path, columns: UsedColumns | None) -> TextFile:
    return read_texts(file, trained=columns)


def predicted_on(
    file: Path, columns: UsedColumns | None, *, has_pair: bool = False
) -> list[tuple[str, str | None]]:
    named = () if columns is None else columns.names
    records = stream_records(Inputs(file=file), named=named)
    found = find_text_rows(records, has_pair=has_pair, trained=columns)
    return [(record.row.text, record.row.pair) for record in found]


@pytest.mark.parametrize(
    ("used", "columns", "found"),
    [
        (UsedColumns("T", None, "L"), ["id", "T", "L"], FoundColumns("T", None, "L")),
        (UsedColumns("T", None, "L"), ["id", "T"], FoundColumns("T", None, None)),
        (UsedColumns("T", None, "L"), ["text", "L"], None),
        (UsedColumns("A", "B", "L"), ["A", "L"], None),
        (UsedColumns(2, None, 1), ["1", "text"], FoundColumns("text", None, "1")),
        (UsedColumns(2, None, 3), ["1", "text"], FoundColumns("text", None, None)),
        (UsedColumns(2, None, 1), ["label", "note"], None),
        (UsedColumns(2, None, 1), ["text"], None),
    ],
)
def test_used_columns_are_found_by_name_or_where_there_is_no_header_by_number(
    used: UsedColumns, columns: list[str], found: FoundColumns | None
) -> None:
    assert used.among(columns, needs_label=False) == found


def test_file_that_was_trained_on_can_be_predicted_on_and_scored(tmp_path: Path) -> None:
    columns = trained_on(tmp_path, TITLED)

    assert columns == UsedColumns("Titel", None, "Kategorie")
    assert predicted_on(tmp_path / "train.csv", columns)[0] == ("Ein guter Film 0", None)
    assert scored(tmp_path / "train.csv", columns).rows[1].labels == ("nein",)


def test_file_of_one_row_is_scored_on_the_columns_of_the_training(tmp_path: Path) -> None:
    columns = trained_on(tmp_path, TITLED)
    (tmp_path / "one.csv").write_text("id;Titel;Kategorie\n7;ja;Ein sehr langes Wort\n")

    (row,) = scored(tmp_path / "one.csv", columns).rows

    assert (row.text, row.labels) == ("ja", ("Ein sehr langes Wort",))


def test_pair_that_was_named_in_training_needs_no_name_again(tmp_path: Path) -> None:
    text = "a,b,c\n" + "".join(f"text {n},other {n},{'xy'[n % 2]}\n" for n in range(12))
    columns = trained_on(tmp_path, text, text_column="b", pair_column="a")

    assert columns == UsedColumns("b", "a", "c")
    assert predicted_on(tmp_path / "train.csv", columns, has_pair=True)[0] == ("other 0", "text 0")


def test_columns_without_a_header_are_found_by_their_numbers(tmp_path: Path) -> None:
    text = "".join(f"{'no' if n % 2 else 'yes'}\tnumber {n} it is\n" for n in range(12))
    (tmp_path / "train.tsv").write_text(text)
    columns = read_texts(tmp_path / "train.tsv").columns

    assert columns == UsedColumns(2, None, 1)
    (tmp_path / "new.tsv").write_text(
        "a very long label, longer than it\tshort\nanother long label, it is\tbrief\n"
    )
    assert [text for text, _ in predicted_on(tmp_path / "new.tsv", columns)] == ["short", "brief"]


def test_file_without_these_columns_is_guessed_as_ever(tmp_path: Path) -> None:
    columns = trained_on(tmp_path, TITLED)
    (tmp_path / "new.jsonl").write_text('{"text": "good", "label": "a"}\n')
    (tmp_path / "new.txt").write_text("a line\n")

    assert predicted_on(tmp_path / "new.jsonl", columns) == [("good", None)]
    assert predicted_on(tmp_path / "new.txt", columns) == [("a line", None)]
