from __future__ import annotations

from typing import Any

import pytest

from envkit.api import DataError
from envkit.data.streaming import Record
from envkit.data.text_records import find_text_rows


def find(*values: dict[str, Any], **options: Any) -> list[tuple[str, str | None, dict[str, Any]]]:
    records = [Record(each, f"x.jsonl:{number}") for number, each in enumerate(values, start=1)]
    return [(each.row.text, each.row.pair, each.others) for each in find_text_rows(records, **options)]


def test_find_text_rows_by_number_counts_all_columns_of_the_first_row() -> None:
    rows = [{"id": 0, "body": "a", "note": "x"}, {"id": "1", "body": "b", "note": None}]
    assert find(*rows, text_column="2") == [
        ("a", None, {"id": 0, "note": "x"}),
        ("b", None, {"id": "1", "note": None}),
    ]


def test_find_text_rows_of_numbers_gives_them_as_they_are_written() -> None:
    assert [text for text, *_ in find({"text": "a"}, {"text": 7}, {"text": 1.5})] == ["a", "7", "1.5"]


@pytest.mark.parametrize(
    ("rows", "options", "name", "message"),
    [
        ([{"text": None, "title": "t"}], {}, "x.jsonl:1", "expected a text in 'text', found null"),
        ([{"text": "a"}, {"text": None, "title": "t"}], {}, "x.jsonl:2", "found null"),
        ([{"text": "a"}, {"title": "t"}], {}, "x.jsonl:2", "found only 'title'"),
        ([{"id": 1, "a": "b"}], {"text_column": "c"}, "x.jsonl:1", "expected a text, found 'id', 'a'"),
        ([{"a": "b", "c": [1]}], {"text_column": "2"}, "x.jsonl:1", "found a list"),
        ([{"text": "a"}], {"has_pair": True}, "x.jsonl:1", "nothing beside the text"),
        ([{"text": "a", "pair": None}], {"has_pair": True}, "x.jsonl:1", "in 'pair', found null"),
    ],
)
def test_find_text_rows_without_a_text_names_the_row(
    rows: list[dict[str, Any]], options: dict[str, Any], name: str, message: str
) -> None:
    with pytest.raises(DataError, match=message) as raised:
        find(*rows, **options)
    assert str(raised.value.file) == name


@pytest.mark.parametrize(
    ("values", "options", "expected"),
    [
        ({"text": "a", "pair": "b"}, {}, ("a", "b")),
        ({"text": "a", "pair": "b"}, {"has_pair": False}, ("a", None)),
        ({"text": "a", "aspect": None}, {}, ("a", None)),
        ({"text": "a", "pair": "b"}, {"text_column": "x", "pair_column": "y", "has_pair": True}, ("a", "b")),
    ],
)
def test_find_text_rows_reads_a_pair_where_there_is_one_to_read(
    values: dict[str, Any], options: dict[str, Any], expected: tuple[str, str | None]
) -> None:
    ((text, pair, _),) = find(values, **options)
    assert (text, pair) == expected
