"""Split words into the pieces that a model reads."""

from __future__ import annotations

from typing import TYPE_CHECKING

from envkit.finetune.models import word_start

if TYPE_CHECKING:
    from collections.abc import Iterable

    from transformers import PreTrainedTokenizerBase

    from envkit.data.token_rows import Sentence

_WORDS_AT_ONCE = 10_000


class WordPieces:
    """The pieces of words, each distinct word read once.

    A word that makes no piece (U+FE0F, control characters) gets the unknown piece, so that it counts.
    """

    def __init__(self, tokenizer: PreTrainedTokenizerBase) -> None:
        self._tokenizer = tokenizer
        self._start = word_start(tokenizer)
        self._pieces: dict[str, tuple[int, ...]] = {}
        self.prefix, self.suffix = _special_pieces(tokenizer)
        # Between sentences read together. With a mark rather than end to end: a headline has no full stop,
        # and the name in the line below it is not its rest. BERT read two texts so when it was pre-trained;
        # Flair too went over to marks at the borders of its document context (flairNLP/flair#3073).
        self.separator = () if tokenizer.sep_token_id is None else (tokenizer.sep_token_id,)
        given = (
            tokenizer.unk_token_id,
            tokenizer.mask_token_id,
            tokenizer.eos_token_id,
            tokenizer.pad_token_id,
        )
        self._unknown = next((piece for piece in given if piece is not None), 0)

    def read(self, sentences: Iterable[Sentence]) -> None:
        """Find the pieces of all words of these sentences that are not known yet."""
        words = {word: None for sentence in sentences for word in sentence.words if word not in self._pieces}
        distinct = list(words)
        for start in range(0, len(distinct), _WORDS_AT_ONCE):
            part = distinct[start : start + _WORDS_AT_ONCE]
            encoded = self._tokenizer(
                [self._start + word for word in part],
                add_special_tokens=False,
                return_attention_mask=False,
                return_token_type_ids=False,
            )["input_ids"]
            for word, pieces in zip(part, encoded, strict=True):
                self._pieces[word] = tuple(pieces) or (self._unknown,)

    def forget(self, *, beyond: int) -> None:
        """Forget all words where more than so many are known, so that a stream needs no more and more memory."""
        if len(self._pieces) > beyond:
            self._pieces.clear()

    def capacity(self, window: int) -> int:
        """Return how many pieces of words a window of so many pieces holds beside the special ones."""
        return window - len(self.prefix) - len(self.suffix)

    def __getitem__(self, word: str) -> tuple[int, ...]:
        return self._pieces[word]

    def unknown_share(self, sentences: Iterable[Sentence]) -> float:
        """Return the share of words, a fraction of 1, that the tokenizer cannot read whole."""
        unknown = self._tokenizer.unk_token_id
        words = [word for sentence in sentences for word in sentence.words]
        return sum(unknown in self._pieces[word] for word in words) / max(1, len(words))


def _special_pieces(tokenizer: PreTrainedTokenizerBase) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return what the tokenizer puts before and after a sentence."""
    bare = tokenizer("a", add_special_tokens=False)["input_ids"]
    full = tokenizer("a", add_special_tokens=True)["input_ids"]
    before = next(at for at in range(len(full) + 1) if full[at : at + len(bare)] == bare)
    return tuple(full[:before]), tuple(full[before + len(bare) :])
