from __future__ import annotations

import pytest

from envkit_sentiment.label_words import is_stars, parse_label


@pytest.mark.parametrize(
    ("label", "meaning"),
    [
        ("pos", "positive"),
        ("POS", "positive"),
        (" Positive ", "positive"),
        ("+", "positive"),
        ("neg", "negative"),
        ("-", "negative"),
        ("neu", "neutral"),
        ("very negative", "very negative"),
        ("Extremely_Positive", "very positive"),
        ("slightly-negative", "somewhat negative"),
        ("__label__pos", "positive"),
        ("LABEL_1", 1.0),
        ("+1", 1.0),
        ("-1", -1.0),
        ("-0", 0.0),
        ("4.0", 4.0),
        ("4.5", 4.5),
        ("5 stars", 5.0),
        ("1 star", 1.0),
        ("3-star", 3.0),
        ("4/5", 4.0),
        ("7 out of 10", 7.0),
        ("★★★☆☆", 3.0),
        ("good", None),
        ("very good", None),
        ("very", None),
        ("1,5", None),
        ("", None),
    ],
)
def test_parse_label_of_known_forms_gives_what_they_mean(label: str, meaning: str | float | None) -> None:
    assert parse_label(label) == meaning


@pytest.mark.parametrize(
    ("label", "expected"), [("5 stars", True), ("★★", True), ("5", False), ("pos", False)]
)
def test_is_stars_is_true_where_the_label_says_so(label: str, expected: bool) -> None:
    assert is_stars(label) is expected
