"""Which metric says how good a model is."""

from __future__ import annotations

import pytest

from envkit.api.metric_names import find_headline


@pytest.mark.parametrize(
    ("asked", "chosen", "headline"),
    [
        (None, None, "accuracy"),
        ("macro_f1", None, "macro_f1"),
        ("dev/macro_f1", None, "macro_f1"),
        (None, "dev/micro_f1", "micro_f1"),
        ("macro_f1", "dev/micro_f1", "micro_f1"),
    ],
)
def test_find_headline_is_what_chose_the_best_state(
    asked: str | None, chosen: str | None, headline: str
) -> None:
    assert find_headline("accuracy", asked=asked, chosen=chosen) == headline
