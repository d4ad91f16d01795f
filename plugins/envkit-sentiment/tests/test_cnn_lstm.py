from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import pytest

from envkit.api import UsageError

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.torch

TEXTS = ["Not bad at all, don't worry!<br />So-so.", "bad bad good worry", "so good, at last"] * 2


def make() -> tuple[Any, Any]:
    from envkit_sentiment.cnn_lstm import make_cnn_lstm
    from envkit_sentiment.words import make_tokenizer

    tokenizer = make_tokenizer(TEXTS)
    labels = ["negative", "positive"]
    model = make_cnn_lstm(words=len(tokenizer), labels=labels, pad=tokenizer.pad_token_id, seed=3)
    return model.eval(), tokenizer


def test_tokenizer_reads_words_with_their_apostrophes_and_leaves_markup_out() -> None:
    _, tokenizer = make()
    pieces = tokenizer("NOT bad<br/>don't unheard-of!")["input_ids"]
    assert tokenizer.convert_ids_to_tokens(pieces) == ["[CLS]", "not", "bad", "don't", "[UNK]", "!"]
    pair = tokenizer("bad", "good")
    assert tokenizer.convert_ids_to_tokens(pair["input_ids"]) == ["[CLS]", "bad", "[SEP]", "good"]
    assert pair["token_type_ids"] == [0, 0, 1, 1]
    assert tokenizer("")["input_ids"]


def test_tokenizer_of_the_same_texts_in_another_order_is_the_same() -> None:
    from envkit_sentiment.words import make_tokenizer

    shuffled = random.Random(1).sample(TEXTS, len(TEXTS))
    assert make_tokenizer(shuffled).get_vocab() == make_tokenizer(TEXTS).get_vocab()


def test_model_gives_a_text_the_same_logits_whatever_stands_beside_it() -> None:
    import torch

    model, tokenizer = make()
    together = model(**tokenizer(TEXTS[:3], padding=True, return_tensors="pt")).logits
    alone = torch.cat([model(**tokenizer([text], return_tensors="pt")).logits for text in TEXTS[:3]])
    torch.testing.assert_close(together, alone)


def test_model_begins_by_the_seed_and_leaves_the_random_numbers_alone() -> None:
    import torch

    from envkit_sentiment.cnn_lstm import make_cnn_lstm

    torch.manual_seed(0)
    expected = torch.rand(3)
    torch.manual_seed(0)
    one, same, other = (make_cnn_lstm(words=9, labels=["a", "b"], pad=0, seed=seed) for seed in (1, 1, 2))
    assert torch.equal(torch.rand(3), expected)
    assert torch.equal(one.words.weight, same.words.weight)
    assert not torch.equal(one.words.weight, other.words.weight)


def test_model_that_was_saved_is_loaded_as_it_was(tmp_path: Path) -> None:
    import torch

    from envkit_sentiment.cnn_lstm import is_cnn_lstm, load_cnn_lstm
    from envkit_sentiment.words import load_tokenizer

    model, tokenizer = make()
    assert not is_cnn_lstm(tmp_path)
    model.save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    assert is_cnn_lstm(tmp_path)
    loaded, reader = load_cnn_lstm(tmp_path), load_tokenizer(tmp_path)
    assert loaded.config.id2label == {0: "negative", 1: "positive"}
    one, other = (read("not so bad", "worry", return_tensors="pt") for read in (tokenizer, reader))
    assert torch.equal(one["input_ids"], other["input_ids"])
    assert torch.equal(model(**one).logits, loaded(**other).logits)


def test_load_of_a_folder_that_is_not_whole_says_so(tmp_path: Path) -> None:
    from envkit_sentiment.cnn_lstm import load_cnn_lstm

    make()[0].save_pretrained(tmp_path)
    (tmp_path / "model.safetensors").write_bytes(b"cut")
    with pytest.raises(UsageError, match="cannot be loaded"):
        load_cnn_lstm(tmp_path)
