from __future__ import annotations

from typing import Any

import pytest

from envkit.data.token_rows import Sentence

pytestmark = pytest.mark.torch


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


def test_word_pieces_separator_is_the_tokenizers_own_and_counts_not_in_the_capacity(tokenizer: Any) -> None:
    from envkit_ner.tokens import WordPieces

    pieces = WordPieces(tokenizer)
    assert pieces.separator == (tokenizer.sep_token_id,)
    assert pieces.capacity(64) == 62


def test_word_pieces_of_a_tokenizer_without_separator_have_none(tokenizer: Any) -> None:
    from copy import deepcopy

    from envkit_ner.tokens import WordPieces

    bare = deepcopy(tokenizer)
    bare.sep_token = None
    assert WordPieces(bare).separator == ()
