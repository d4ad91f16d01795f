"""Numbers as people read them."""

from __future__ import annotations

import pytest

from envkit.runs.report.numbers import bytes_text, count_text, duration_text, percent_text, score_text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (score_text(0.81234), "0.8123"),
        (score_text(1.0), "1.0000"),
        (score_text(872.0), "872"),
        (count_text(1234567), "1 234 567"),
        (bytes_text(1_250_000), "1.2 MB"),
        (duration_text(0.04), "0.0 s"),
        (duration_text(59.6), "1 min 0 s"),
        (duration_text(3723), "1 h 2 min"),
        (percent_text(0.0), "0 %"),
        (percent_text(0.0004), "0.04 %"),
        (percent_text(0.0000001), "< 0.01 %"),
        (percent_text(0.038), "3.8 %"),
        (percent_text(0.41), "41 %"),
        (percent_text(1.0), "100 %"),
    ],
)
def test_number_text(text: str, expected: str) -> None:
    assert text.replace("\N{NARROW NO-BREAK SPACE}", " ").replace("\N{NO-BREAK SPACE}", " ") == expected
