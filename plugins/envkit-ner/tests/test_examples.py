from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from envkit.data.token_rows import Sentence, read_sentences
from envkit_ner.examples import Example, Part, make_examples

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from envkit_ner.examples import Context

pytestmark = pytest.mark.torch

CONTEXTS: tuple[Context, ...] = ("sentence", "document")
ODD = Sentence(
    words=(
        "Ada",
        "\ufe0f",
        "\x00\x01",
        "",
        "\u200d",
        "x" * 900,
        "我",
        "爱",
        "北",
        "京",
        "[SEP]",
        "New York",
        " ",
    ),
    tags=("B-X", "O", "B-X", "O", "I-X", "B-X", "O", "O", "B-X", "I-X", "O", "B-X", "O"),
    document=0,
    line=1,
)


def make(
    sentences: Sequence[Sentence], tokenizer: Any, window: int, context: Context = "sentence"
) -> list[Example]:
    from envkit_ner.tokens import WordPieces

    return make_examples(
        sentences,
        WordPieces(tokenizer),
        file="any.conll",
        label_numbers={label: number for number, label in enumerate(labels_of(sentences))},
        window=window,
        context=context,
    )


def labels_of(sentences: Sequence[Sentence]) -> list[str]:
    return sorted({tag for sentence in sentences for tag in sentence.tags})


def tags_out(sentences: Sequence[Sentence], examples: Sequence[Example]) -> list[tuple[str, ...]]:
    """Put the labels of the examples back into sentences, each exactly once."""
    labels = labels_of(sentences)
    tags = [[""] * len(sentence.words) for sentence in sentences]
    for example in examples:
        assert len(example.places) == len(example.labels) == example.items
        for (sentence, word), label in zip(example.words, example.labels, strict=True):
            assert tags[sentence][word] == ""
            tags[sentence][word] = labels[label]
    return list(map(tuple, tags))


@pytest.mark.parametrize("context", CONTEXTS)
@pytest.mark.parametrize("window", [8, 64, 512])
def test_make_examples_of_odd_words_gives_each_word_one_label(
    tokenizer: Any, window: int, context: Context
) -> None:
    sentences = [
        ODD,
        Sentence(ODD.words * 20, ODD.tags * 20, 0, 2),
        Sentence(("",), ("O",), 0, 3),
        Sentence(ODD.words[:3], ODD.tags[:3], 1, 4),
    ]
    examples = make(sentences, tokenizer, window, context)
    assert tags_out(sentences, examples) == [sentence.tags for sentence in sentences]
    assert all(example.length == len(example.pieces) <= window for example in examples)


@pytest.mark.parametrize("context", CONTEXTS)
@pytest.mark.parametrize("window", [8, 20, 64])
def test_make_examples_label_the_first_piece_of_each_word(
    tokenizer: Any, window: int, context: Context
) -> None:
    from envkit_ner.tokens import WordPieces

    sentences = [
        Sentence(("Lindqvist", "of", "Quellin", "won", "."), ("B-X", "O", "B-X", "O", "O"), 0, 1),
        Sentence(("Bergen",), ("B-X",), 0, 7),
        Sentence(("He", "lives", "in", "Bergen", "."), ("O", "O", "O", "B-X", "O"), 0, 9),
    ]
    pieces = WordPieces(tokenizer)
    pieces.read(sentences)
    for example in make(sentences, tokenizer, window, context):
        assert [example.pieces[place] for place in example.places] == [
            pieces[sentences[sentence].words[word]][0] for sentence, word in example.words
        ]
        assert example.pieces[0] == tokenizer.cls_token_id
        assert example.pieces[-1] == tokenizer.sep_token_id


def test_make_examples_of_one_sentence_each_are_named_by_file_and_line(tokenizer: Any) -> None:
    sentences = [Sentence(("a", "b"), ("O", "O"), 0, 3), Sentence(("c",) * 30, ("O",) * 30, 0, 6)]
    whole, *cut = make(sentences, tokenizer, 16)
    assert (whole.name, whole.parts) == ("any.conll:3", (Part(0, range(2), 2),))
    assert whole.parts[0].is_whole
    assert len(cut) > 1
    assert {example.name for example in cut} == {"any.conll:6"}
    assert not any(example.parts[0].is_whole for example in cut)


def test_make_examples_with_document_context_read_neighbours_of_the_same_document_alone(
    tokenizer: Any,
) -> None:
    from envkit_ner.tokens import WordPieces

    # Each document has a word of its own.
    sentences = [
        Sentence((word, "b", word), ("O",) * 3, document, 5 * number + 1)
        for number, (word, document) in enumerate([("p", 0)] * 9 + [("q", 1)] * 2 + [("r", 4)])
    ]
    pieces = WordPieces(tokenizer)
    pieces.read(sentences)
    examples = make(sentences, tokenizer, 24, "document")
    assert tags_out(sentences, examples) == [sentence.tags for sentence in sentences]
    for example in examples:
        own = {sentences[sentence].words[0] for sentence, _ in example.words}
        assert len(own) == 1
        assert not {pieces[word][-1] for word in {"p", "q", "r"} - own} & set(example.pieces)
    assert len(examples) > 3
    last_two = [example.parts for example in examples[-2:]]
    assert last_two == [(Part(9, range(3), 3), Part(10, range(3), 3)), (Part(11, range(3), 3),)]
    assert [example.name for example in examples[-2:]] == ["any.conll:46", "any.conll:56"]


def test_make_examples_with_document_context_put_the_separator_between_sentences(tokenizer: Any) -> None:
    from envkit_ner.tokens import WordPieces

    sentences = [Sentence(("Ada", "won"), ("B-X", "O"), 0, 1), Sentence(("Rome",), ("B-X",), 0, 4)]
    pieces = WordPieces(tokenizer)
    (example,) = make(sentences, tokenizer, 64, "document")
    pieces.read(sentences)
    one = [*pieces["Ada"], *pieces["won"]]
    sep = tokenizer.sep_token_id
    assert list(example.pieces) == [tokenizer.cls_token_id, *one, sep, *pieces["Rome"], sep]
    assert example.places == (1, 1 + len(pieces["Ada"]), len(one) + 2)
    assert example.words == ((0, 0), (0, 1), (1, 0))


@pytest.fixture(scope="module")
def conll2003_test(conll2003: Path) -> Sequence[Sentence]:
    """The sentences of its test file, read once for every tokenizer, window and context."""
    return read_sentences(conll2003 / "test.txt").sentences


@pytest.mark.parametrize("context", CONTEXTS)
@pytest.mark.parametrize("window", [8, 64, 512])
def test_make_examples_of_conll2003_gold_against_gold_has_its_support(
    tokenizer: Any, window: int, context: Context, conll2003_test: Sequence[Sentence]
) -> None:
    from envkit_ner.score import score

    sentences = conll2003_test
    tags = tags_out(sentences, make(sentences, tokenizer, window, context))
    metrics = score([sentence.tags for sentence in sentences], tags).metrics("test")
    assert metrics["test/support"] == 5648
    assert metrics["test/entity_f1"] == 1


@pytest.mark.parametrize("tokenizer", ["wordpiece"], indirect=True)
def test_make_examples_of_conll2003_with_document_context_own_each_word_once_at_a_bearable_cost(
    tokenizer: Any, conll2003: Path
) -> None:
    sentences = read_sentences(conll2003 / "train.txt").sentences
    alone = sum(example.length for example in make(sentences, tokenizer, 512))
    for window in (32, 128, 512):
        examples = make(sentences, tokenizer, window, "document")
        words = [place for example in examples for place in example.words]
        assert words == [
            (number, word) for number, sentence in enumerate(sentences) for word in range(len(sentence.words))
        ]
        assert max(example.length for example in examples) <= window
        assert sum(example.length for example in examples) <= 2 * alone
