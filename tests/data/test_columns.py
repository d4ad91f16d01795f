from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from envkit.data.columns import choose_word_column, iterate_columns, parse_columns, split_columns

if TYPE_CHECKING:
    from collections.abc import Iterator

FILE = Path("words.conll")


def test_iterate_columns_gives_a_sentence_before_the_next_begins() -> None:
    taken: list[str] = []

    def lines() -> Iterator[str]:
        for line in ("# 1", "a", "b", "", "", "c", "-DOCSTART-", "d"):
            taken.append(line)
            yield line

    sentences = iterate_columns(lines(), file=FILE)
    first = next(sentences)
    assert (first.rows, first.line, first.document) == ([["a"], ["b"]], 2, 0)
    assert taken == ["# 1", "a", "b", ""]
    assert [(found.rows, found.line) for found in sentences] == [([["c"]], 6), ([["d"]], 8)]


@pytest.mark.parametrize("lines", [[], ["", " "], ["-DOCSTART- O", ""]])
def test_iterate_columns_of_no_rows_gives_nothing(lines: list[str]) -> None:
    assert parse_columns(lines, file=FILE) == []


def test_iterate_columns_of_hashes_alone_are_words() -> None:
    assert [found.rows for found in iterate_columns(["#", "#", "", "#"], file=FILE)] == [
        [["#"], ["#"]],
        [["#"]],
    ]


@pytest.mark.parametrize(
    ("rows", "column"),
    [(["a", "b"], 0), (["1 a x", "2 b x"], 1), (["0 a", "1 b"], 1), (["1", "2"], 0), (["2 a", "3 b"], 0)],
)
def test_choose_word_column_without_tags_passes_over_a_counter(rows: list[str], column: int) -> None:
    sentences = parse_columns(rows, file=FILE)
    assert choose_word_column(sentences, len(split_columns(rows[0]))) == column


def test_parse_columns_of_words_that_are_all_number_signs_reads_them(tmp_path: Path) -> None:
    lines = ["#\tO", "", "#\tB-X", ""]
    parsed = parse_columns(lines, file=tmp_path / "x.conll")
    assert [sentence.rows for sentence in parsed] == [[["#", "O"]], [["#", "B-X"]]]
