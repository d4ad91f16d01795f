from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from required import require_data

from envkit.api import DataError
from envkit.data.spans import find_text_spans
from envkit.data.token_rows import TaggedFile, read_sentences

if TYPE_CHECKING:
    from pathlib import Path

    from envkit.data.spans import Align

TEXT = "Ada wrote, in London."
WORDS = ("Ada", "wrote", ",", "in", "London", ".")
TAGS = ("B-PER", "O", "O", "O", "B-LOC", "O")
OBJECTS = [{"start": 0, "end": 3, "label": "PER"}, {"start": 14, "end": 20, "label": "LOC"}]
TOKENS = [
    {"text": text, "start": start, "end": start + len(text), "id": number}
    for number, (text, start) in enumerate(
        [("Ada", 0), (" ", 3), ("wrote", 4), (",", 9), ("in", 11), ("London", 14), (".", 20)]
    )
]


def write(folder: Path, *rows: Any) -> Path:
    file = folder / "some.data"
    file.write_text("\n".join(json.dumps(row) for row in rows) + "\n", encoding="utf-8")
    return file


def read(folder: Path, *rows: Any, align: Align = "error", is_lenient: bool = False) -> TaggedFile:
    return read_sentences(write(folder, *rows), align=align, is_lenient=is_lenient)


@pytest.mark.parametrize(
    "row",
    [
        {"text": TEXT, "spans": OBJECTS, "tokens": TOKENS, "answer": "accept", "_view_id": "ner_manual"},
        {"text": TEXT, "spans": [{**span, "token_start": 0} for span in OBJECTS]},
        {"text": TEXT, "spans": OBJECTS, "tokens": list(WORDS)},
        {"text": TEXT, "label": [[0, 3, "PER"], [14, 20, "LOC"]]},
        {"id": 1, "text": TEXT, "labels": [[14, 20, "LOC"], [0, 3, "PER"]], "meta": {}},
        {"text": TEXT, "entities": OBJECTS},
        {"text": TEXT, "entities": [[0, 3, "PER"], [14, 20, "LOC"]], "label": "news"},
        {
            "text": TEXT,
            "entities": [
                {"id": 7, "start_offset": 0, "end_offset": 3, "label": "PER"},
                {"id": 8, "start_offset": 14, "end_offset": 20, "label": "LOC"},
            ],
            "relations": [],
        },
        {
            "text": TEXT,
            "label": [
                {"start": 0, "end": 3, "text": "Ada", "labels": ["PER"]},
                {"start": 14, "end": 20, "text": "London", "labels": ["LOC"]},
            ],
        },
    ],
)
def test_read_sentences_of_spans_in_any_shape_gives_the_same(tmp_path: Path, row: dict[str, Any]) -> None:
    tagged = read(tmp_path, row)
    (sentence,) = tagged.sentences
    assert (sentence.words, sentence.tags, sentence.text) == (WORDS, TAGS, TEXT)
    assert [TEXT[start:end] for start, end in sentence.full_offsets] == list(WORDS)
    assert (tagged.faults, tagged.notes, tagged.line_of(sentence, 4)) == ((), (), 1)


@pytest.mark.parametrize("spans", [{}, {"spans": None}, {"spans": []}])
def test_read_sentences_of_an_accepted_row_without_spans_has_no_entity(
    tmp_path: Path, spans: dict[str, Any]
) -> None:
    tagged = read(tmp_path, {"text": "it is", "answer": "accept", **spans})
    assert tagged.sentences[0].tags == ("O", "O")


def test_read_sentences_of_rejected_and_ignored_rows_are_left_out_and_said(tmp_path: Path) -> None:
    row = {"text": TEXT, "spans": OBJECTS}
    answers = ["accept", "reject", "ignore", "reject"]
    tagged = read(tmp_path, *({**row, "answer": answer} for answer in answers))
    assert [sentence.line for sentence in tagged.sentences] == [1]
    assert tagged.notes == (
        "some.data: left out 2 rows answered reject",
        "some.data: left out 1 row answered ignore",
    )
    with pytest.raises(DataError, match="no sentence"):
        read(tmp_path, {**row, "answer": "reject"})


def test_read_sentences_of_spans_with_blanks_at_their_borders_are_read_and_said(tmp_path: Path) -> None:
    tagged = read(tmp_path, {"text": TEXT, "entities": [[0, 4, "PER"], [13, 20, "LOC"]]})
    assert tagged.sentences[0].tags == TAGS
    assert tagged.notes == ("some.data: blanks at the borders of 2 spans count for nothing",)


@pytest.mark.parametrize(
    ("row", "problem", "hint"),
    [
        ({"entities": [[14, 19, "LOC"]]}, "14-19 (LOC) 'Londo' does not end", "--align expand"),
        ({"entities": [[14, 20, "A"], [11, 20, "B"]]}, "overlap", "--align drop"),
        ({"entities": [[14, 44, "LOC"]]}, "not within its text of 21", "not bytes"),
        ({"entities": [[3, 4, "LOC"]]}, "no character but blanks", "--align drop"),
        ({"entities": [{**OBJECTS[0], "text": "Bea"}]}, "said to be 'Bea', but there is 'Ada'", "not bytes"),
        ({"entities": [[0, 3]]}, "spans as objects or as [start, end, type], found a list", "A line reads"),
        ({"entities": ["PER"]}, "found a string", "A line reads"),
        ({"entities": [{"start": 0, "end": "3", "label": "PER"}]}, "no whole numbers", "A line reads"),
        ({"entities": [{"start": 0, "end": True, "label": "PER"}]}, "no whole numbers", "A line reads"),
        ({"entities": [{"start": 0, "end": 3}]}, "0-3 has no type", "A line reads"),
        ({"entities": [[0, 3, ""]]}, "0-3 has no type", "A line reads"),
        ({"spans": [], "answer": "maybe"}, "the answer is 'maybe'", "A line reads"),
        ({"spans": [], "text": 3}, "'text' to be a string, found a number", "A line reads"),
        ({"spans": [], "tokens": [1]}, "'tokens' to be a list of objects", "A line reads"),
        ({"spans": [], "tokens": ["Ada", "London", "in"]}, "the token 'in' is not in the text behind", ""),
        ({"spans": [], "tokens": TOKENS[::-1]}, "the token 14-20 is not within the text, or not behind", ""),
        ({"spans": [], "tokens": [{"start": 0, "end": 99}]}, "the token 0-99 is not within", ""),
    ],
)
def test_read_sentences_of_bad_spans_names_file_line_and_what_to_do(
    tmp_path: Path, row: dict[str, Any], problem: str, hint: str
) -> None:
    with pytest.raises(DataError) as raised:
        read(tmp_path, {"text": TEXT, "entities": []}, {"text": TEXT, **row})
    assert raised.value.message.startswith(f"{tmp_path / 'some.data'}:2: ")
    assert problem in raised.value.message
    assert hint in (raised.value.hint or "")


@pytest.mark.parametrize(
    ("align", "tags", "said"),
    [
        ("expand", ("O", "O", "O", "O", "B-LOC", "O"), "2 spans widened to whole words; the first: "),
        ("drop", ("O",) * 6, "2 spans left out; the first: "),
    ],
)
def test_read_sentences_of_spans_off_borders_are_mended_and_counted(
    tmp_path: Path, align: Align, tags: tuple[str, ...], said: str
) -> None:
    row = {"text": TEXT, "entities": [[14, 19, "LOC"]]}
    tagged = read(tmp_path, row, row, {"text": TEXT, "entities": [[0, 3, "PER"]]}, align=align)
    assert tagged.sentences[0].tags == tags
    (warning,) = tagged.warnings
    assert warning.startswith(f"{tagged.file}:1: {said}the span 14-19 (LOC) 'Londo'")
    assert tagged.faults[0].count == 2


def test_read_sentences_of_several_bad_spans_says_how_many(tmp_path: Path) -> None:
    row = {"text": TEXT, "entities": [[14, 19, "LOC"]]}
    with pytest.raises(DataError, match=r"the words are 'London' \(the first of 3\)"):
        read(tmp_path, row, row, row)


def test_read_sentences_leniently_counts_each_kind_of_fault_and_keeps_the_rest(tmp_path: Path) -> None:
    tagged = read(
        tmp_path,
        {"text": TEXT, "entities": [[0, 3, "PER"], [14, 19, "LOC"]]},
        {"text": TEXT, "entities": [[0, 2, "PER"]]},
        {"text": TEXT},
        {"tokens": ["a", "b"], "tags": ["O"]},
        {"tokens": ["a", "b"], "tags": ["PERSON", "I-X"]},
        is_lenient=True,
    )
    assert [sentence.tags for sentence in tagged.sentences] == [
        ("B-PER", *("O",) * 5),
        ("O",) * 6,
        ("O", "B-X"),
    ]
    assert [(problem.level, problem.place, problem.count) for problem in tagged.problems] == [
        ("error", "some.data:1", 2),
        ("error", "some.data:3", 2),
        ("error", "some.data:5", 1),
        ("warning", "some.data:5", 1),
    ]
    assert all(problem.hint for problem in tagged.problems[:3])


@given(
    st.lists(st.lists(st.sampled_from(["O", "B-X", "B-Y"]), min_size=1, max_size=6), min_size=1, max_size=4)
)
def test_read_sentences_of_spans_made_of_tags_gives_the_tags(
    shared_dir: Path, sequences: list[list[str]]
) -> None:
    rows = []
    for tags in sequences:
        offsets = [(2 * number, 2 * number + 1) for number in range(len(tags))]
        spans = [list(span) for span in find_text_spans(tags, offsets)]
        rows.append({"text": " ".join("a" * len(tags)), "label": spans})
    tagged = read(shared_dir, *rows)
    assert [list(sentence.tags) for sentence in tagged.sentences] == sequences


def test_read_sentences_of_prodigys_fashion_brands_reads_without_options() -> None:
    tagged = read_sentences(require_data("prodigy", "ner_fashion_brands.jsonl"))
    assert (len(tagged.sentences), tagged.faults) == (500, ())
    assert sum(tag == "B-FASHION_BRAND" for sentence in tagged.sentences for tag in sentence.tags) == 238
