from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from envkit.data.token_rows import Sentence, read_sentences

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

pytestmark = pytest.mark.torch


def make(sentences: Sequence[Sentence], tokenizer: Any, window: int) -> list[Any]:
    from envkit_ner.tokens import WordPieces, make_examples

    labels = sorted({tag for sentence in sentences for tag in sentence.tags})
    numbers = {label: number for number, label in enumerate(labels)}
    return make_examples(sentences, WordPieces(tokenizer), label_numbers=numbers, window=window)


def tags_out(sentences: Sequence[Sentence], examples: Sequence[Any]) -> list[list[str]]:
    """Put the labels of the examples back into sentences, each exactly once."""
    labels = sorted({tag for sentence in sentences for tag in sentence.tags})
    tags = [[""] * len(sentence.words) for sentence in sentences]
    for example in examples:
        for word, label in zip(example.words, example.labels, strict=True):
            assert tags[example.sentence][word] == ""
            tags[example.sentence][word] = labels[label]
    return tags


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


@pytest.mark.parametrize("window", [8, 64, 512])
def test_make_examples_of_odd_words_gives_each_word_one_label(tokenizer: Any, window: int) -> None:
    sentences = [ODD, Sentence(ODD.words * 20, ODD.tags * 20, 0, 2)]
    examples = make(sentences, tokenizer, window)
    assert tags_out(sentences, examples) == [list(sentence.tags) for sentence in sentences]
    assert all(len(example.pieces) <= window for example in examples)


@pytest.mark.parametrize("window", [8, 64])
def test_make_examples_label_the_first_piece_of_each_word(tokenizer: Any, window: int) -> None:
    from envkit_ner.tokens import WordPieces

    sentence = Sentence(("Lindqvist", "of", "Quellin", "won", "."), ("B-X", "O", "B-X", "O", "O"), 0, 1)
    pieces = WordPieces(tokenizer)
    pieces.read([sentence])
    for example in make([sentence], tokenizer, window):
        assert [example.pieces[place] for place in example.places] == [
            pieces[sentence.words[word]][0] for word in example.words
        ]
        assert example.pieces[0] == tokenizer.cls_token_id
        assert example.pieces[-1] == tokenizer.sep_token_id


def test_word_pieces_are_those_of_running_text(tokenizer: Any) -> None:
    from envkit_ner.tokens import WordPieces

    words = ("the", "Minister", "of", "Norway", "won")
    pieces = WordPieces(tokenizer)
    pieces.read([Sentence(words, ("O",) * 5, 0, 1)])
    running = tokenizer(" ".join(words), add_special_tokens=False)["input_ids"]
    joined = [piece for word in words[1:] for piece in pieces[word]]
    assert running[-len(joined) :] == joined


def test_unknown_share_counts_words_in_a_script_that_the_tokenizer_lacks(tokenizer: Any) -> None:
    from envkit_ner.tokens import WordPieces

    sentence = Sentence(("Ada", "สวัสดี", "won", "ฉัน"), ("O",) * 4, 0, 1)
    pieces = WordPieces(tokenizer)
    pieces.read([sentence])
    reads_bytes = tokenizer.unk_token is None
    assert pieces.unknown_share([sentence]) == (0 if reads_bytes else 0.5)


@pytest.mark.parametrize("window", [8, 64, 512])
def test_make_examples_of_conll2003_gold_against_gold_has_its_support(
    tokenizer: Any, window: int, conll2003: Path
) -> None:
    from envkit_ner.score import score

    sentences = read_sentences(conll2003 / "test.txt").sentences
    tags = tags_out(sentences, make(sentences, tokenizer, window))
    metrics = score([sentence.tags for sentence in sentences], tags).metrics("test")
    assert metrics["test/support"] == 5648
    assert metrics["test/entity_f1"] == 1


def test_make_batch_pads_and_labels_first_pieces_alone(tokenizer: Any) -> None:
    import torch

    from envkit_ner.tokens import NOT_LABELLED, make_batch

    sentences = [
        Sentence(("Ada", "Quellin", "won"), ("B-X", "I-X", "O"), 0, 1),
        Sentence(("no",), ("O",), 0, 5),
    ]
    examples = make(sentences, tokenizer, 64)
    batch = make_batch(examples, pad=tokenizer.pad_token_id, device=torch.device("cpu"))
    assert batch.items == 4
    assert batch.tokens == int(batch.attention_mask.sum()) == sum(len(example.pieces) for example in examples)
    assert batch.labels[batch.labels != NOT_LABELLED].tolist() == [0, 1, 2, 2]
    assert batch.pieces[batch.attention_mask == 0].unique().tolist() == [tokenizer.pad_token_id]


def test_shuffled_batches_give_every_example_once_and_follow_the_seed(tokenizer: Any) -> None:
    import torch

    from envkit_ner.tokens import shuffled_batches, sorted_batches

    sentences = [
        Sentence(("a",) * (1 + number % 17), ("O",) * (1 + number % 17), 0, 1) for number in range(333)
    ]
    examples = make(sentences, tokenizer, 64)

    def order(seed: int) -> list[list[int]]:
        generator = torch.Generator().manual_seed(seed)
        return [[row.sentence for row in part] for part in shuffled_batches(examples, 8, generator=generator)]

    assert sorted(number for part in order(1) for number in part) == list(range(333))
    assert order(1) == order(1) != order(2)
    assert max(map(len, order(1))) == 8
    parts = list(sorted_batches(examples, tokens=100))
    assert sorted(row.sentence for part in parts for row in part) == list(range(333))
    assert all(len(part) * max(len(row.pieces) for row in part) <= 100 for part in parts)
