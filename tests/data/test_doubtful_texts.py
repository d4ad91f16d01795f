"""Files to predict on that hold something else than texts, or may."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from envkit.api import DataError, Inputs
from envkit.data.streaming import stream_records
from envkit.data.text_records import find_text_rows
from envkit.data.used_columns import UsedColumns

if TYPE_CHECKING:
    from pathlib import Path

    from envkit.data.rows import TextRow

PEOPLE = "name,mail,city\nAda,a@b.org,Rome\nBob,b@c.org,Paris\nCid,c@d.org,Oslo\n"
TRAINED = UsedColumns(text="review", pair=None, label="stars")


def read(
    file: Path, *, format: str = "auto", text_column: str | None = None
) -> tuple[list[TextRow], list[str]]:
    """Return the rows to predict on, as a task of texts reads them, and what the user is told of them."""
    told: list[str] = []
    records = stream_records(
        Inputs(file=file, format=format), named=(text_column, *TRAINED.references), tell=told.append
    )
    found = find_text_rows(records, text_column=text_column, trained=TRAINED, tell=told.append)
    return [each.row for each in found], told


@pytest.mark.parametrize(
    ("name", "content", "message", "way_out"),
    [
        ("x.csv", PEOPLE, "no column is known to hold texts; the first row has: name, mail, city", "--text-column"),
        ("x.csv", "id,amount,town\n1,2.5,Rome\n2,3,Oslo\n3,1,Bonn\n", "found 'id', 'amount', 'town'", "--text-column"),
        ("x.tsv", PEOPLE.replace(",", "\t"), "no column is known to hold texts", "--text-column"),
        ("x.txt", PEOPLE, "3 columns separated by commas", "--text-column"),
        ("x.txt", PEOPLE.replace(",", ";"), "3 columns separated by semicolons", "--text-column"),
        ("x.txt", "1,2.5\n2,3\n3,4\n", "2 columns separated by commas", "--format lines"),
        ("x.txt", "EU NNP B-ORG\nrejects VBZ O\n\nPeter NNP B-PER\n", "tagged words", "--format lines"),
        ("x.txt", "[1, 2, 3]\n", "no objects", "--format lines"),
        ("x.json", '["a text", "b text"]', "no objects", "--format lines"),
        ("x.jsonl", '"a text"\n"b text"\n', "no objects", "--format lines"),
        ("x.jsonl", '{"name": "x", "town": "Rome"}\n', "found 'name', 'town'", "--text-column"),
        ("x.json", '{"data": [{"title": "x", "paragraphs": []}], "version": "1"}\n', "found 'data'", "--text-column"),
    ],
)  # fmt: skip
def test_file_of_something_else_is_refused_with_the_way_out(
    tmp_path: Path, name: str, content: str, message: str, way_out: str
) -> None:
    file = tmp_path / name
    file.write_text(content)

    with pytest.raises(DataError, match=message) as raised:
        read(file)

    assert way_out in (raised.value.hint or "")


@pytest.mark.parametrize(
    ("name", "content", "first", "told"),
    [
        ("x.tsv", "pos\tso very good\nneg\tso very bad\n", "so very good", "texts are taken from column 2, the longest"),
        ("x.csv", "id,sentence\n1,so good\n", "so good", "trained on 'review', which is not there"),
        ("x.jsonl", '{"id": 1, "note": "so good"}\n', "so good", "texts are taken from column 'note'"),
        ("x.txt", "so good,pos\nso bad,neg\nnot so,neg\n", "so good,pos", "each line is read as a text, whole"),
    ],
)  # fmt: skip
def test_file_whose_texts_are_guessed_says_which_they_are(
    tmp_path: Path, name: str, content: str, first: str, told: str
) -> None:
    file = tmp_path / name
    file.write_text(content)

    rows, notes = read(file)

    assert rows[0].text == first
    assert len(notes) == 1
    assert notes[0].startswith(f"{name}: ")
    assert told in notes[0]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("x.txt", "So good.\nWell, bad, that.\nFine\n"),
        ("x.txt", "Good, bad\nUgly, so\nFine, well\n"),
        ("x.txt", "[sic] a text\n"),
        ("x.txt", "vitamin O\nrather O\nno O\n"),
        ("x.csv", "review,id\nso good,1\n"),
        ("x.jsonl", '{"text": "so good"}\n'),
    ],
)
def test_file_of_texts_says_nothing(tmp_path: Path, name: str, content: str) -> None:
    file = tmp_path / name
    file.write_text(content)

    assert read(file)[1] == []


@pytest.mark.parametrize(
    ("options", "texts"),
    [
        ({"text_column": "city"}, ["Rome", "Paris", "Oslo"]),
        ({"text_column": "2"}, ["mail", "a@b.org", "b@c.org", "c@d.org"]),
        ({"format": "lines"}, PEOPLE.splitlines()),
    ],
)
def test_file_that_looks_like_something_else_is_read_as_the_user_says(
    tmp_path: Path, options: dict[str, str], texts: list[str]
) -> None:
    file = tmp_path / "x.csv"
    file.write_text(PEOPLE)

    rows, told = read(file, **options)

    assert ([row.text for row in rows], told) == (texts, [])
