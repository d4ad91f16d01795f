from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envkit.data.spans import TextSpan, find_text_spans, find_words, tag_words, word_offsets
from envkit.data.tag_schemes import to_iob2

TEXTS = st.text(
    st.one_of(
        st.sampled_from("ab1 .,-_'ä北ไहि่\u0301\u200d\n\u00a0"), st.characters(exclude_categories=["Cs"])
    ),
    max_size=20,
)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", ""),
        (" \n\t", ""),
        ("Ada wrote it.", "Ada wrote it ."),
        ("O'Neill, Jean-Luc", "O ' Neill , Jean - Luc"),
        ("$1,250.50 on 2024.01.05.", "$ 1,250.50 on 2024.01.05 ."),
        ("5km, 3.5km and iPhone15", "5km , 3 . 5km and iPhone15"),
        ("snake_case #tag @you...", "snake_case # tag @ you . . ."),
        ("Łódź Straße e\u0301te\u0301", "Łódź Straße e\u0301te\u0301"),
        ("हिन्दी भाषा", "हिन्दी भाषा"),
        ("北京2024年 in東京", "北 京 2024 年 in 東 京"),
        ("กรุง", "ก รุ ง"),
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("👍🏽ok", "👍 🏽 ok"),
    ],
)
def test_find_words_of_any_script_follows_the_rule(text: str, words: str) -> None:
    assert [text[start:end] for start, end in find_words(text)] == words.split(" ") * bool(words)


@given(TEXTS)
def test_find_words_have_each_character_that_is_no_blank_once_and_in_order(text: str) -> None:
    places = [place for start, end in find_words(text) for place in range(start, end)]
    assert places == sorted(set(places))
    assert [text[place] for place in places] == [one for one in text if not one.isspace()]


LONDON = "See London Bridge, York."


@pytest.mark.parametrize(
    ("spans", "align", "tags", "kinds"),
    [
        ([], "error", "O O O O O O", []),
        ([(4, 10, "L")], "error", "O B-L O O O O", []),
        ([(4, 17, "L"), (19, 23, "L")], "error", "O B-L I-L O B-L O", []),
        ([(4, 10, "L"), (11, 17, "L")], "error", "O B-L B-L O O O", []),
        ([(3, 18, "L")], "error", "O B-L I-L I-L O O", []),  # a blank at its border
        ([(4, 10, "L"), (4, 10, "L"), (3, 10, "L")], "error", "O B-L O O O O", []),  # said thrice
        ([(4, 9, "L")], "error", "O O O O O O", ["border"]),
        ([(4, 9, "L")], "drop", "O O O O O O", ["border"]),
        ([(4, 9, "L")], "expand", "O B-L O O O O", ["border"]),
        ([(6, 14, "L")], "expand", "O B-L I-L O O O", ["border"]),
        ([(4, 10, "L"), (4, 17, "M")], "error", "O B-M I-M O O O", ["overlap"]),
        ([(4, 10, "L"), (4, 10, "M")], "drop", "O B-L O O O O", ["overlap"]),
        ([(4, 9, "L"), (4, 17, "M")], "expand", "O B-M I-M O O O", ["border", "overlap"]),
        ([(10, 11, "L")], "drop", "O O O O O O", ["blank"]),
        ([(4, 4, "L")], "expand", "O O O O O O", ["blank"]),
        ([(4, 99, "L"), (-1, 3, "L"), (9, 4, "L")], "expand", "O O O O O O", ["range"] * 3),
    ],
)
def test_tag_words_of_spans_on_and_off_the_borders_of_words(
    spans: list[tuple[int, int, str]], align: str, tags: str, kinds: list[str]
) -> None:
    given_spans = [TextSpan(*span) for span in spans]
    tagged = tag_words(given_spans, find_words(LONDON), text=LONDON, align=align)  # type: ignore[arg-type]
    assert " ".join(tagged.tags) == tags
    assert [problem.kind for problem in tagged.problems] == kinds


@pytest.mark.parametrize(
    ("spans", "message"),
    [
        ([(4, 9, "L")], "the span 4-9 (L) 'Londo' does not end where a word does: the words are 'London'"),
        ([(5, 17, "L")], "'ondon Bridge' does not begin where a word does: the words are 'London Bridge'"),
        ([(4, 99, "L")], "not within its text of 24 characters: 'See London Bridge, York.'"),
        ([(4, 10, "L"), (4, 17, "M")], "4-10 (L) 'London' and 4-17 (M) 'London Bridge' overlap"),
    ],
)
def test_tag_words_of_a_wrong_span_says_both_texts(spans: list[tuple[int, int, str]], message: str) -> None:
    tagged = tag_words([TextSpan(*span) for span in spans], find_words(LONDON), text=LONDON)
    assert message in tagged.problems[0].message


@given(TEXTS, st.data())
def test_find_text_spans_of_tags_gives_the_spans_that_make_these_tags(text: str, data: st.DataObject) -> None:
    offsets = find_words(text)
    tags = to_iob2([data.draw(st.sampled_from(["O", "B-X", "I-X", "I-Y"])) for _ in offsets])
    spans = find_text_spans(tags, offsets)
    tagged = tag_words(spans, offsets, text=text)
    assert (tagged.tags, tagged.problems, tagged.trimmed) == (tags, (), 0)


@given(st.lists(st.text(max_size=4), max_size=6))
def test_word_offsets_are_those_in_the_words_joined_by_blanks(words: list[str]) -> None:
    text = " ".join(words)
    assert [text[start:end] for start, end in word_offsets(words)] == words


@given(TEXTS, st.sets(st.tuples(st.integers(0, 20), st.integers(1, 8), st.sampled_from("XY"))))
def test_tag_words_expanded_places_every_span_or_says_why_not(
    text: str, marked: set[tuple[int, int, str]]
) -> None:
    spans = {
        TextSpan(start, start + length, label)
        for start, length, label in marked
        if not text[start : start + 1].isspace() and not text[start + length - 1 : start + length].isspace()
    }
    tagged = tag_words(spans, find_words(text), text=text, align="expand")
    left_out = [problem for problem in tagged.problems if problem.kind != "border"]
    assert len(find_text_spans(tagged.tags, find_words(text))) + len(left_out) == len(spans)
