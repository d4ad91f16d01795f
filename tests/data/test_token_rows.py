import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from required import require_data

from envkit.api import DataError
from envkit.data.tag_schemes import find_spans
from envkit.data.token_rows import TaggedFile, read_sentences


def read(folder: Path, content: str, **columns: int) -> TaggedFile:
    file = folder / "some.data"  # the name says nothing: content decides
    file.write_bytes(content.encode())
    return read_sentences(file, **columns)


def rows(tagged: TaggedFile) -> list[list[tuple[str, str]]]:
    return [list(zip(sentence.words, sentence.tags, strict=True)) for sentence in tagged.sentences]


ADA = [[("Ada", "B-PER"), ("wrote", "O")], [("Rome", "B-LOC")]]


@pytest.mark.parametrize(
    "content",
    [
        "Ada\tB-PER\nwrote\tO\n\nRome\tB-LOC\n",
        "Ada B-PER\nwrote O\n\nRome B-LOC",
        "Ada   B-PER\r\nwrote \t O  \r\n \t\r\n\r\nRome B-LOC\r\n",
        "\ufeffAda B-PER\nwrote O\n\nRome B-LOC\n",
        "B-PER Ada\nO wrote\n\nB-LOC Rome\n",
        "Ada NN I-NP I-PER\nwrote VB I-VP O\n\nRome NN I-NP I-LOC\n",
        "1\tAda\tB-PER\n2\twrote\tO\n\n1\tRome\tB-LOC\n",
        "# sent_id = 1\n# text = Ada wrote it\nAda\tB-PER\nwrote\tO\n\n# sent_id = 2\nRome\tB-LOC\n",
        "-DOCSTART- O\n\nAda B-PER\nwrote O\n-DOCSTART- O\nRome B-LOC\n",
        "Ada U-PER\nwrote O\n\nRome U-LOC\n",
        '{"tokens": ["Ada", "wrote"], "tags": ["B-PER", "O"]}\n\n{"tokens": ["Rome"], "tags": ["B-LOC"]}\n',
        '{"id": 1, "tokens": ["Ada", "wrote"], "ner_tags": ["S-PER", "O"]}\n{"ner_tags":["S-LOC"],"tokens":["Rome"]}',
        '[{"tokens": ["Ada", "wrote"], "tags": ["B-PER", "O"]},\n {"tokens": ["Rome"], "tags": ["B-LOC"]}]',
    ],
)
def test_read_sentences_of_any_layout_gives_the_same(tmp_path: Path, content: str) -> None:
    assert rows(read(tmp_path, content)) == ADA


def test_read_sentences_hash_as_a_word_is_kept(tmp_path: Path) -> None:
    tagged = read(tmp_path, "# O\n1 O\n\n#one B-X\n# O\n\n{ O\n[ O\n")
    assert [sentence.words for sentence in tagged.sentences] == [("#", "1"), ("#one", "#"), ("{", "[")]


def test_read_sentences_tabbed_words_may_hold_blanks_and_odd_spaces(tmp_path: Path) -> None:
    tagged = read(tmp_path, "New York\tB-LOC\n\u00a0\tO\n\tO\n\u2028\tO\n")
    assert tagged.sentences[0].words == ("New York", "\u00a0", "", "\u2028")


def test_read_sentences_counts_documents_and_lines(tmp_path: Path) -> None:
    tagged = read(tmp_path, "a O\n\n-DOCSTART- O\n\nb O\nc O\n\n-DOCSTART- O\n\nd B-X\n")
    assert [(sentence.document, sentence.line) for sentence in tagged.sentences] == [(0, 1), (0, 5), (1, 10)]
    assert tagged.line_of(tagged.sentences[1], 1) == 6


def test_read_sentences_columns_given_are_taken(tmp_path: Path) -> None:
    content = "1 Ada I-A B-B\n2 went O O\n"
    assert rows(read(tmp_path, content)) == [[("Ada", "B-B"), ("went", "O")]]
    assert rows(read(tmp_path, content, tag_column=3)) == [[("Ada", "B-A"), ("went", "O")]]
    assert rows(read(tmp_path, content, word_column=1)) == [[("1", "B-B"), ("2", "O")]]


def test_read_sentences_two_columns_of_tags_says_which_is_read(tmp_path: Path) -> None:
    content = "Ada I-A B-B\nwent O O\n"
    (note,) = read(tmp_path, content).notes
    assert "tags from column 3 of 3" in note
    assert "--tag-column 2" in note
    assert read(tmp_path, content, tag_column=3).notes == ()


def test_read_sentences_one_mistyped_tag_moves_no_column(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"some\.data:3: the tag 'b-PER'"):
        read(tmp_path, "the I-NP O\nman I-NP O\nAda I-NP b-PER\n")


@pytest.mark.parametrize(
    ("content", "line", "problem", "hint"),
    [
        ("a O\nb\n", 2, "1 column separated by blanks, expected 2", "sed -n 2p"),
        ("a\tO\nb O\n", 2, "1 column separated by tabs, expected 2", "sed -n 2p"),
        ("a O\n\nb x O\n", 3, "3 columns separated by blanks, expected 2", "sed -n 3p"),
        ("a O\n# comment inside a sentence\n", 2, "5 columns", "sed -n 2p"),
        ("text,label\nIt is,a\n", 2, "2 columns separated by blanks, expected 1", "separated by commas"),
        ("a\nb\n", 1, "one column", "a tab and its tag"),
        ("a O\nb PERSON\n", 2, "the tag 'PERSON' is of no known scheme", "B-PERSON"),
        ("a O\n\nb O\nc X-Y\n", 4, "the tag 'X-Y'", "--tag-column"),
        ("a S-X\nb U-X\n", 2, "mix two schemes", "--tag-column"),
        ('{"tokens": ["a"], "tags": ["O"]}\n{"tokens": ["a"], "ta', 2, "no whole JSON", "sed -n 2p"),
        ('{"tokens": ["a", "b"], "tags": ["O"]}', 1, "2 tokens but 1 tags", "exactly one tag"),
        ('{"tokens": ["a"], "tags": [3]}', 1, "found a number in it", "names of the tags, not their numbers"),
        ('{"tokens": ["a"], "ner_tags": "O"}', 1, "found a string", "A line reads"),
        ('{"tokens": ["a", null], "tags": ["O", "O"]}', 1, "found null in it", "A line reads"),
        ('{"tokens": [{"text": "a"}], "tags": ["O"]}', 1, "found an object in it", "A line reads"),
        ('{"text": "a", "label": 1}', 1, "no 'tokens' nor spans of the text; the object has", '"entities"'),
        ('{"tokens": ["a"], "tags": ["O"]}\n["a"]', 2, "found a list", "A line reads"),
        ('{"tokens": ["a"], "tags": ["Q"]}', 1, "the tag 'Q'", "B-Q"),
        ('{"tokens": ["\\ud800"], "tags": ["O"]}', 1, "no whole JSON", "sed -n 1p"),
        ('{"tokens": [], "tags": []}', 1, "anything but blanks", ""),
    ],
)
def test_read_sentences_of_bad_data_names_file_line_and_what_to_do(
    tmp_path: Path, content: str, line: int, problem: str, hint: str
) -> None:
    with pytest.raises(DataError) as raised:
        read(tmp_path, content)
    assert raised.value.message.startswith(f"{tmp_path / 'some.data'}:{line}: ")
    assert problem in raised.value.message
    assert hint in (raised.value.hint or "")


@pytest.mark.parametrize(
    ("columns", "problem"),
    [
        ({"tag_column": 3}, "--tag-column is 3, but the file has 2"),
        ({"word_column": 2, "tag_column": 2}, "both"),
    ],
)
def test_read_sentences_columns_that_cannot_be_are_refused(
    tmp_path: Path, columns: dict[str, int], problem: str
) -> None:
    with pytest.raises(DataError, match=problem):
        read(tmp_path, "a O\nb B-X\n", **columns)


def test_read_sentences_of_documents_without_words_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no sentence"):
        read(tmp_path, "-DOCSTART- O\n\n")


@pytest.mark.parametrize(
    "content",
    [
        "a O\n\n\u00a0\tO\n\nb B-X\n".replace(" ", "\t"),
        '{"tokens":["a"],"tags":["O"]}\n\n{"tokens":[" ",""],"tags":["O","O"]}\n{"tokens":["b"],"tags":["O"]}',
    ],
)
def test_read_sentences_of_nothing_but_blanks_are_left_out_with_a_warning(
    tmp_path: Path, content: str
) -> None:
    tagged = read(tmp_path, content)
    assert [sentence.words for sentence in tagged.sentences] == [("a",), ("b",)]
    assert tagged.warnings == (f"{tagged.file}:3: left out 1 sentence with nothing but blanks",)


def test_read_sentences_tags_out_of_place_are_warned_of(tmp_path: Path) -> None:
    tagged = read(tmp_path, "a B-X\n\nb B-X\n\nc O\nd I-X\n")
    assert tagged.sentences[2].tags == ("O", "B-X")
    (warning,) = tagged.warnings
    assert warning.startswith(f"{tagged.file}:6: 1 tag out of place in IOB2, the first 'I-X'")


WORDS = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\n\r\t "), min_size=1, max_size=6
).filter(lambda word: word.strip() and not word.startswith(("-DOCSTART-", "#", "{", "[", "\ufeff")))
ROWS = st.tuples(WORDS, st.sampled_from(["O", "B-X", "B-Y"]))
SENTENCES = st.lists(st.lists(ROWS, min_size=1, max_size=5), min_size=1, max_size=4)


@pytest.mark.parametrize("separator", ["\t", " "])
@settings(deadline=None)  # a busy machine may take its time
@given(sentences=SENTENCES)
def test_read_sentences_of_columns_gives_back_every_word(
    shared_dir: Path, separator: str, sentences: list[list[tuple[str, str]]]
) -> None:
    content = "\n\n".join("\n".join(separator.join(row) for row in sentence) for sentence in sentences)
    tagged = read(shared_dir, content, word_column=1, tag_column=2)
    assert rows(tagged) == sentences


@settings(deadline=None)  # a busy machine may take its time
@given(sentences=SENTENCES)
def test_read_sentences_of_jsonl_gives_back_every_word(
    shared_dir: Path, sentences: list[list[tuple[str, str]]]
) -> None:
    lines = [
        json.dumps({"tokens": [word for word, _ in sentence], "tags": [tag for _, tag in sentence]})
        for sentence in sentences
    ]
    assert rows(read(shared_dir, "\n".join(lines))) == sentences


@pytest.mark.slow
@pytest.mark.parametrize(
    ("file", "sentences", "entities"),
    [
        pytest.param("train.txt", 14041, 23499, marks=pytest.mark.slow),
        ("valid.txt", 3250, 5942),
        ("test.txt", 3453, 5648),
    ],
)
def test_read_sentences_of_conll2003_finds_its_known_counts(file: str, sentences: int, entities: int) -> None:
    tagged = read_sentences(require_data("conll2003", file))
    assert tagged.scheme in ("IOB1", "IO")
    assert tagged.warnings == ()
    assert len(tagged.sentences) == sentences
    assert sum(len(find_spans(sentence.tags)) for sentence in tagged.sentences) == entities
