from __future__ import annotations

import pytest

from envkit.data.text_labels import read_labels


@pytest.mark.parametrize(
    ("cells", "known", "expected"),
    [
        (["Doe, John", "a"], (), [("Doe", "John"), ("a",)]),
        (["Doe, John", "a"], ("Doe, John", "a"), [("Doe, John",), ("a",)]),
        (["Doe, John", "a, b"], ("Doe, John", "a", "b"), [("Doe, John",), ("a, b",)]),
        (["a|Doe, John"], ("Doe, John", "a"), [("a", "Doe, John")]),
        (["a, b", "b"], ("a", "b"), [("a", "b"), ("b",)]),
        (["a|b", "c"], ("a|b", "c"), [("a|b",), ("c",)]),
    ],
)
def test_read_labels_of_other_data_cuts_them_as_the_training_data_was(
    cells: list[str], known: tuple[str, ...], expected: list[tuple[str, ...]]
) -> None:
    assert read_labels(cells, many=True, known=known).labels == expected


@pytest.mark.parametrize("cell", ["[" + "-" * 20_000 + "1]", "[" * 20_000 + "]", "[{[]: 1}]"])
def test_read_labels_of_a_list_that_none_can_read_takes_its_words(cell: str) -> None:
    assert read_labels([cell], many=True).labels == [(cell[1:-1],)]
