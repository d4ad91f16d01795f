import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from envkit.data.tag_schemes import Span, UnknownTagError, find_scheme, find_spans, to_iob2

ENTITIES = st.lists(st.tuples(st.sampled_from(["PER", "ORG", "LOC-x"]), st.integers(1, 4), st.integers(0, 2)))
WRITERS = {"IOB2": "BIIB", "IOBES": "BIES", "BMES": "BMES", "BILUO": "BILU"}  # first, inside, last, alone


def write(entities: list[tuple[str, int, int]], scheme: str) -> list[str]:
    """Write entities (type, words, words outside before it) in a scheme."""
    tags: list[str] = []
    type_before = ""
    for entity_type, length, gap in entities:
        tags += ["O"] * gap
        touches = type_before == entity_type and not gap
        if scheme in ("IOB1", "IO"):
            first = "B" if touches and scheme == "IOB1" else "I"
            prefixes = first + "I" * (length - 1)
        else:
            begin, inside, last, alone = WRITERS[scheme]
            prefixes = alone if length == 1 else begin + inside * (length - 2) + last
        tags += [f"{prefix}-{entity_type}" for prefix in prefixes]
        type_before = entity_type
    return tags


@pytest.mark.parametrize("scheme", ["IOB1", *WRITERS])
@settings(deadline=None)  # a busy machine may take its time
@given(entities=ENTITIES)
def test_to_iob2_of_any_scheme_keeps_every_entity(scheme: str, entities: list[tuple[str, int, int]]) -> None:
    tags = write(entities, scheme)
    assert list(to_iob2(tags)) == write(entities, "IOB2")
    assert [(span.type, span.end - span.start) for span in find_spans(to_iob2(tags))] == [
        (entity_type, length) for entity_type, length, _ in entities
    ]


@settings(deadline=None)  # a busy machine may take its time
@given(st.lists(st.sampled_from(["O", *(f"{prefix}-{kind}" for prefix in "BIMESLU" for kind in "XY")])))
def test_to_iob2_of_any_tags_is_valid_and_loses_no_tagged_word(tags: list[str]) -> None:
    converted = to_iob2(tags)
    assert [tag[1:] for tag in converted] == [tag[1:] for tag in tags]
    assert find_spans(converted, strict=True) == find_spans(converted, strict=False)
    assert to_iob2(converted) == converted


@pytest.mark.parametrize(
    ("sequences", "scheme", "breaks"),
    [
        ([["O", "O"]], "IOB2", ()),
        ([["I-X", "I-X", "O", "I-Y"]], "IO", ()),
        ([["I-X", "O"], ["I-X", "B-X"]], "IOB1", ()),
        ([["B-X", "I-X", "O", "B-X"]], "IOB2", ()),
        ([["B-X", "I-X", "B-Y"], ["O", "I-X"]], "IOB2", ((1, 1),)),
        ([["B-X"], ["B-Y", "I-X"]], "IOB2", ((1, 1),)),
        ([["B-X", "E-X", "S-X"]], "IOBES", ()),
        ([["B-X", "M-X", "E-X"]], "IOBES", ()),
        ([["S-X", "O"], ["B-X", "O", "I-X", "E-X"], ["B-X"]], "IOBES", ((1, 1), (1, 2), (2, 0))),
        ([["B-X", "E-Y"]], "IOBES", ((0, 1),)),
        ([["B-X", "L-X", "U-X"]], "BILUO", ()),
        ([["U-X"]], "BILUO", ()),
    ],
)
def test_find_scheme_tells_scheme_and_breaks(
    sequences: list[list[str]], scheme: str, breaks: tuple[tuple[int, int], ...]
) -> None:
    finding = find_scheme(sequences)
    assert (finding.scheme, finding.breaks) == (scheme, breaks)


@pytest.mark.parametrize("tag", ["PERSON", "b-PER", "B-", "-", "", "o", "B_PER", "X-PER", "0", "B"])
def test_find_scheme_of_an_unknown_tag_names_it_and_its_place(tag: str) -> None:
    with pytest.raises(UnknownTagError) as raised:
        find_scheme([["O"], ["B-X", tag, "Z"]])
    assert repr(tag) in str(raised.value)
    assert raised.value.place == (1, 1)


def test_find_scheme_of_two_mixed_schemes_names_a_tag_of_each() -> None:
    with pytest.raises(UnknownTagError, match="'S-X' is of IOBES, 'U-Y' of BILUO") as raised:
        find_scheme([["S-X"], ["O", "U-Y"]])
    assert raised.value.place == (1, 1)


@pytest.mark.parametrize(
    ("tags", "strict", "lenient"),
    [
        (["B-X", "I-X", "O"], [Span(0, 2, "X")], [Span(0, 2, "X")]),
        (["O", "I-X", "I-X"], [], [Span(1, 3, "X")]),
        (["B-X", "I-Y"], [Span(0, 1, "X")], [Span(0, 1, "X"), Span(1, 2, "Y")]),
        (["B-X", "B-X"], [Span(0, 1, "X"), Span(1, 2, "X")], [Span(0, 1, "X"), Span(1, 2, "X")]),
        ([], [], []),
    ],
)
def test_find_spans_strict_drops_what_nothing_begins(
    tags: list[str], strict: list[Span], lenient: list[Span]
) -> None:
    assert find_spans(tags) == strict
    assert find_spans(tags, strict=False) == lenient
