from __future__ import annotations

from typing import Any

import pytest

from envkit.data.given_fields import join_fields

TOLD = {"name": "a.jsonl:1", "text": "t", "label": "x"}


@pytest.mark.parametrize(
    ("given", "options", "expected"),
    [
        ({"id": 7}, {}, {"id": 7, **TOLD}),
        ({"name": "Bob", "id": 7}, {}, {"input_name": "Bob", "id": 7, **TOLD}),
        ({"label": "y"}, {}, {"input_label": "y", **TOLD}),
        ({"label": "y"}, {"gold": ("label", "labels")}, {**TOLD, "gold": "y"}),
        ({"labels": ["y"]}, {"gold": ("label", "labels")}, {**TOLD, "gold": ["y"]}),
        ({"label": "y", "gold": 1}, {"gold": ("label",)}, {"input_gold": 1, **TOLD, "gold": "y"}),
        ({"gold": 1}, {"gold": ("label",)}, {"gold": 1, **TOLD}),
        ({"text": "t", "id": 1}, {"read": ("text",)}, {"id": 1, **TOLD}),
        ({"name": 1, "input_name": 2}, {}, {"input_input_name": 1, "input_name": 2, **TOLD}),
    ],
)
def test_join_fields_keeps_every_value_of_the_row(
    given: dict[str, Any], options: dict[str, Any], expected: dict[str, Any]
) -> None:
    found = join_fields(given, TOLD, **options)

    assert list(found.items()) == list(expected.items())
