from __future__ import annotations

from typing import Any

import pytest

from envkit.data.text_columns import find_texts


@pytest.mark.parametrize(
    ("values", "options", "expected"),
    [
        ({"text": "a"}, {}, ("text", None)),
        ({"id": "1", "Review": "a"}, {}, ("Review", None)),
        ({"id": 1, "words": "a"}, {}, ("words", None)),
        ({"id": "1", "words": "a"}, {}, (None, None)),
        ({"premise": "a", "hypothesis": "b"}, {}, ("premise", "hypothesis")),
        ({"premise": "a", "hypothesis": "b"}, {"text_column": "hypothesis"}, ("hypothesis", None)),
        ({"x": "a", "y": "b"}, {"text_column": "y", "pair_column": "x"}, ("y", "x")),
        ({"x": "a", "y": "b"}, {"text_column": "2"}, ("y", None)),
        ({"text": "a"}, {"text_column": "review"}, ("text", None)),
        ({"text": "a", "x": "b"}, {"text_column": "review"}, ("text", None)),
        ({"id": 1, "x": "a"}, {"text_column": "review"}, (None, None)),
        ({"id": 0, "x": "a", "y": "b"}, {"text_column": "2"}, ("x", None)),
        ({"id": None, "x": "a", "y": 1}, {"text_column": "3", "pair_column": "2"}, ("y", "x")),
        ({"text": None, "title": "a"}, {}, ("text", None)),
        ({"text": "a", "pair": "b"}, {}, ("text", "pair")),
        ({"n": 1}, {}, (None, None)),
    ],
)
def test_find_texts_of_a_record_names_its_texts(
    values: dict[str, Any], options: dict[str, str], expected: tuple[str | None, str | None]
) -> None:
    assert find_texts(values, **options) == expected
