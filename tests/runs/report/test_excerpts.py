"""Texts with marks, cut where they are long."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envkit.runs.report.excerpts import FULL, Mark, cut, make_excerpt, visible

texts = st.text(st.characters(exclude_categories=("Cc", "Cs")), max_size=200)


@st.composite
def marked(draw: st.DrawFn) -> tuple[str, list[Mark]]:
    text = draw(texts)
    places = st.integers(-3, len(text) + 3)
    marks = draw(
        st.lists(st.builds(Mark, places, places, st.just("PER"), st.sampled_from(("right", "wrong"))))
    )
    return text, marks


@given(marked())
def test_make_excerpt_of_a_short_text_says_all_of_it_whatever_the_marks(case: tuple[str, list[Mark]]) -> None:
    text, marks = case

    excerpt = make_excerpt(text, marks)

    assert "".join(piece.text for piece in excerpt.short) == text
    assert excerpt.full is None


@pytest.mark.slow
@given(marked(), st.integers(10, 60))
def test_make_excerpt_of_a_long_text_is_a_stretch_of_it(case: tuple[str, list[Mark]], short: int) -> None:
    text, marks = case

    excerpt = make_excerpt(text, marks, short=short, full=2 * short)

    for pieces in (excerpt.short, excerpt.full or ()):
        shown = "".join(piece.text for piece in pieces if piece.kind != "cut")
        assert shown in text
        assert len(shown) <= 4 * short + 32


def test_make_excerpt_marks_what_it_is_told() -> None:
    pieces = make_excerpt(
        "Ann works at Acme.", [Mark(13, 17, "ORG", "missed"), Mark(0, 3, "PER", "right")]
    ).short

    assert [(piece.text, piece.label, piece.kind) for piece in pieces] == [
        ("Ann", "PER", "right"),
        (" works at ", "", ""),
        ("Acme", "ORG", "missed"),
        (".", "", ""),
    ]


def test_make_excerpt_of_a_long_text_is_cut_around_what_is_wrong() -> None:
    text = "word " * 300 + "Acme " + "word " * 300
    marks = [Mark(0, 4, "PER", "right"), Mark(1500, 1504, "ORG", "wrong")]

    excerpt = make_excerpt(text, marks)

    assert "Acme" in [piece.text for piece in excerpt.short]
    assert (excerpt.short[0].kind, excerpt.short[-1].kind) == ("cut", "cut")
    assert excerpt.full is not None
    assert "Acme" in [piece.text for piece in excerpt.full]
    assert excerpt.left_out == len(text) - FULL


@pytest.mark.parametrize("text", ["e\u0301" * 40, "👩\u200d🚀" * 30, "नमस्ते" * 20])
def test_cut_tears_no_character_apart(text: str) -> None:
    for length in range(1, 30):
        rest = text[len(cut(text, length).removesuffix("…")) :]
        assert not rest or not unicodedata.combining(rest[0])
        assert not rest.startswith("\u200d")


def test_visible_shows_control_characters_as_signs_and_leaves_lines_and_words_alone() -> None:
    assert visible("a\x00b\x07\n\té\x7f") == "a␀b␇\n\té␡"
