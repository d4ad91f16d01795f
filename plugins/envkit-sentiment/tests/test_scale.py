from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envkit.api import DataError, UsageError
from envkit_sentiment.scale import Scale, read_scale

if TYPE_CHECKING:
    from collections.abc import Iterable

TWO = ("negative", "positive")
THREE = ("negative", "neutral", "positive")


@pytest.mark.parametrize(
    ("labels", "kind", "levels", "is_guess"),
    [
        (["1", "0"], "polarity", TWO, True),
        (["pos", "neg"], "polarity", TWO, False),
        (["POS", "NEU", "NEG"], "polarity", THREE, False),
        (["-1", "+1"], "polarity", TWO, False),
        (["-1", "0", "1"], "polarity", THREE, False),
        (["-1", "0"], "polarity", ("negative", "neutral"), False),
        (["0", "1", "2"], "polarity", THREE, True),
        (["1", "2"], "polarity", TWO, True),
        (["0", "4"], "polarity", TWO, True),
        (["pos", "1", "0"], "polarity", TWO, True),
        (["pos", "-1", "0"], "polarity", THREE, True),
        (["1", "2", "3"], "ordinal", ("1", "2", "3"), False),
        (["5", "1", "4", "2", "3"], "ordinal", ("1", "2", "3", "4", "5"), False),
        (["0", "1", "2", "3", "4"], "ordinal", ("0", "1", "2", "3", "4"), False),
        (["10", "9", "1"], "ordinal", ("1", "9", "10"), False),
        (["4.0", "3.0", "4.5"], "ordinal", ("3", "4", "4.5"), False),
        (["5 stars", "1 star"], "ordinal", ("1", "5"), False),
        (
            ["positive", "very negative", "negative"],
            "ordinal",
            ("very negative", "negative", "positive"),
            False,
        ),
    ],
)
def test_read_scale_tells_polarities_and_ratings_by_the_labels(
    labels: list[str], kind: str, levels: tuple[str, ...], is_guess: bool
) -> None:
    scale = read_scale(labels)
    assert (scale.kind, scale.levels, scale.is_guess) == (kind, levels, is_guess)
    assert list(scale.values) == sorted(set(scale.values))
    assert {scale.level_of(label) for label in labels} == set(levels)


@pytest.mark.parametrize(
    ("labels", "kind", "levels"),
    [
        (["1", "2", "3", "4", "5"], "polarity", {"1": "negative", "3": "neutral", "4": "positive"}),
        (["very negative", "negative", "positive"], "polarity", {"very negative": "negative"}),
        (["0", "1"], "ordinal", {"0": "0", "1": "1"}),
        (["neg", "neu", "pos"], "ordinal", {"neg": "negative", "neu": "neutral"}),
    ],
)
def test_read_scale_of_a_kind_that_is_asked_for_obeys(
    labels: list[str], kind: str, levels: dict[str, str]
) -> None:
    scale = read_scale(labels, kind=kind)
    assert scale.kind == kind
    assert {label: scale.level_of(label) for label in levels} == levels


@pytest.mark.parametrize(
    ("labels", "line"),
    [
        (["1", "0"], 'Polarities: 1 -> positive, 0 -> negative (a guess; say otherwise with --labels "0='),
        (["positive", "negative"], "Polarities: negative, positive"),
        (["1", "2", "3", "4"], "Ratings, from low to high: 1, 2, 3, 4"),
        (["1 star", "5 stars", "2"], "Ratings, from low to high: 1, 2, 5; 5 stars -> 5, 1 star -> 1"),
    ],
)
def test_describe_says_what_each_label_was_taken_for_in_one_line(labels: list[str], line: str) -> None:
    told = read_scale(labels).describe()
    assert told.startswith(line)
    assert "\n" not in told


def test_describe_of_a_guess_offers_an_option_that_gives_the_same_scale() -> None:
    guessed = read_scale(["0", "1", "2"])
    option = guessed.describe().partition('--labels "')[2].partition('"')[0]
    said = read_scale(["0", "1", "2"], given=option)
    assert (said.levels, said.meanings, said.is_guess) == (guessed.levels, guessed.meanings, False)


@pytest.mark.parametrize(
    ("given", "kind", "levels"),
    [
        ("bad=negative, good=positive", "polarity", {"bad": "negative", "good": "positive"}),
        ("bad=2,good=1", "ordinal", {"bad": "2", "good": "1"}),
        ("bad=pos,good=neg", "polarity", {"bad": "positive", "good": "negative"}),
    ],
)
def test_read_scale_with_given_meanings_takes_the_users_word(
    given: str, kind: str, levels: dict[str, str]
) -> None:
    scale = read_scale(["good", "bad"], given=given)
    assert scale.kind == kind
    assert scale.meanings == levels
    assert scale.level_of("unheard") is None


@pytest.mark.parametrize(
    ("labels", "given", "error", "problem"),
    [
        (["good", "bad"], None, DataError, "no polarity and no rating: 'good', 'bad'"),
        (["good", "pos"], None, DataError, "no rating: 'good'$"),
        (["pos", "3"], None, DataError, "words and numbers at once"),
        (["pos", "positive"], None, DataError, "one label"),
        ([f"{n}" for n in range(40)], None, DataError, "40 different numbers"),
        (["a", "b"], "a=1", DataError, "does not say what these labels mean: 'b'"),
        (["a", "b"], "a=1,b", UsageError, "--labels has 'b'"),
        (["a", "b"], "a=great,b=1", UsageError, "--labels has 'a=great'"),
        (["a", "b"], "a=positive,b=1", UsageError, "words and numbers as meanings"),
        (["a", "b"], "a=1,b=1", DataError, "one label"),
    ],
)
def test_read_scale_of_labels_that_cannot_be_read_says_which(
    labels: list[str], given: str | None, error: type[Exception], problem: str
) -> None:
    with pytest.raises(error, match=problem):
        read_scale(labels, given=given)


def test_level_of_other_data_with_other_spellings_is_found() -> None:
    scale = read_scale(["pos", "neg"])
    assert scale.level_of("Positive") == "positive"
    assert scale.level_of("neu") is None
    assert read_scale(["1", "2", "3"]).level_of("3.0") == "3"


KNOWN = st.sampled_from(
    ["pos", "neg", "neutral", "0", "1", "-1", "2", "3.0", "4", "5 stars", "very positive", "POSITIVE"]
)


@given(st.lists(KNOWN, min_size=2, max_size=8), st.sampled_from(["auto", "polarity", "ordinal"]))
def test_read_scale_gives_every_label_one_of_its_levels_and_survives_being_kept(
    labels: list[str], kind: str
) -> None:
    try:
        scale = read_scale(labels, kind=kind)
    except DataError:
        return
    assert {scale.level_of(label) for label in labels} == set(scale.levels)
    assert len(scale.levels) == len(scale.values) >= 2
    kept = Scale.from_builtins(json.loads(json.dumps(scale.to_builtins())))
    for label in [*labels, "pos", "1", "other"]:
        assert kept.level_of(label) == scale.level_of(label)


def test_level_of_a_word_is_known_where_training_wrote_numbers_for_polarities() -> None:
    scale = Scale.from_builtins(read_scale(["0", "1"]).to_builtins())
    assert (scale.level_of("pos"), scale.level_of("neg"), scale.level_of("neutral")) == (
        "positive",
        "negative",
        None,
    )


@pytest.mark.parametrize(
    ("trained", "labels", "told"),
    [
        ("12345", ["5", "1"], None),
        ("12345", ["5 stars", "1"], "Labels, as the model knows them: 5 stars -> 5"),
        ("01", ["pos", "0"], "Labels, as the model knows them: pos -> positive"),
        ("01", ["positive"], None),
    ],
)
def test_describe_new_tells_of_spellings_that_training_had_not(
    trained: str, labels: list[str], told: str | None
) -> None:
    assert read_scale(trained).describe_new(labels) == told


@pytest.mark.parametrize(
    ("trained", "levels", "told"),
    [
        (range(1, 11), range(1, 6), "ratings from 1 to 5, and the model knows 1 to 10"),
        (range(1, 6), range(1, 6), None),
        (range(1, 6), (1, 5), None),
        (range(2), ("positive",), None),
    ],
)
def test_describe_span_tells_of_a_file_that_may_be_of_another_scale(
    trained: range, levels: Iterable[object], told: str | None
) -> None:
    found = read_scale(map(str, trained)).describe_span(list(map(str, levels)))
    assert found is None if told is None else told in (found or "")
