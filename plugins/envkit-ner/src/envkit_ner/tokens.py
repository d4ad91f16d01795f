"""Turn sentences into what the model reads: word pieces in windows, the first piece of each word labelled."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from envkit.finetune.models import word_start
from envkit_ner.windows import cut_windows

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from transformers import PreTrainedTokenizerBase

    from envkit.data.token_rows import Sentence

NOT_LABELLED = -100  # what torch's cross entropy leaves out
_WORDS_AT_ONCE = 10_000


@dataclass(frozen=True)
class Example:
    """One window: the sentence it is of, its pieces, and for each word tagged in it a piece and a label.

    ``words`` are the places of the tagged words in the sentence; ``places`` those of their first pieces
    in ``pieces``; ``labels`` their numbers, one each.
    """

    sentence: int
    words: range
    pieces: tuple[int, ...]
    places: tuple[int, ...]
    labels: tuple[int, ...]


@dataclass(frozen=True)
class Batch:
    """Examples of about one length, padded: three tensors [examples, pieces] of int64.

    ``labels`` is NOT_LABELLED everywhere but at the ``items`` first pieces; ``tokens`` counts real pieces.
    """

    pieces: torch.Tensor
    attention_mask: torch.Tensor
    labels: torch.Tensor
    items: int
    tokens: int


class WordPieces:
    """The pieces of words, each distinct word read once.

    A word that makes no piece (U+FE0F, control characters) gets the unknown piece, so that it counts.
    """

    def __init__(self, tokenizer: PreTrainedTokenizerBase) -> None:
        self._tokenizer = tokenizer
        self._start = word_start(tokenizer)
        self._pieces: dict[str, tuple[int, ...]] = {}
        self.prefix, self.suffix = _special_pieces(tokenizer)
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

    def __getitem__(self, word: str) -> tuple[int, ...]:
        return self._pieces[word]

    def unknown_share(self, sentences: Iterable[Sentence]) -> float:
        """Return the share of words, a fraction of 1, that the tokenizer cannot read whole."""
        unknown = self._tokenizer.unk_token_id
        words = [word for sentence in sentences for word in sentence.words]
        return sum(unknown in self._pieces[word] for word in words) / max(1, len(words))


def make_examples(
    sentences: Sequence[Sentence], pieces: WordPieces, *, label_numbers: dict[str, int], window: int
) -> list[Example]:
    """Cut sentences into examples of at most ``window`` pieces, special ones included."""
    pieces.read(sentences)
    capacity = window - len(pieces.prefix) - len(pieces.suffix)
    examples: list[Example] = []
    for number, sentence in enumerate(sentences):
        of_words = [pieces[word][:capacity] for word in sentence.words]
        for cut in cut_windows([len(of_word) for of_word in of_words], capacity=capacity):
            row = list(pieces.prefix)
            places: list[int] = []
            for index in cut.read:
                if index in cut.tagged:
                    places.append(len(row))
                row += of_words[index]
            row += pieces.suffix
            labels = tuple(label_numbers[sentence.tags[index]] for index in cut.tagged)
            examples.append(Example(number, cut.tagged, tuple(row), tuple(places), labels))
    return examples


def make_batch(examples: Sequence[Example], *, pad: int, device: torch.device) -> Batch:
    """Pad these examples to the longest of them."""
    shape = (len(examples), max(len(example.pieces) for example in examples))
    pieces = torch.full(shape, pad)
    attention_mask = torch.zeros(shape, dtype=torch.int64)
    labels = torch.full(shape, NOT_LABELLED)
    for row, example in enumerate(examples):
        pieces[row, : len(example.pieces)] = torch.tensor(example.pieces)
        attention_mask[row, : len(example.pieces)] = 1
        labels[row, torch.tensor(example.places)] = torch.tensor(example.labels)
    return Batch(
        pieces.to(device, non_blocking=True),
        attention_mask.to(device, non_blocking=True),
        labels.to(device, non_blocking=True),
        items=sum(len(example.labels) for example in examples),
        tokens=sum(len(example.pieces) for example in examples),
    )


def shuffled_batches(
    examples: Sequence[Example], batch_size: int, *, generator: torch.Generator
) -> Iterator[list[Example]]:
    """Yield all examples once, in random batches of about one length each.

    Fifty batches' worth of examples at a time are sorted by length: padding then costs about 5 %.
    """
    order: list[int] = torch.randperm(len(examples), generator=generator).tolist()
    batches: list[list[int]] = []
    for start in range(0, len(order), 50 * batch_size):
        group = sorted(order[start : start + 50 * batch_size], key=lambda index: -len(examples[index].pieces))
        batches += [group[at : at + batch_size] for at in range(0, len(group), batch_size)]
    for number in torch.randperm(len(batches), generator=generator).tolist():
        yield [examples[index] for index in batches[number]]


def sorted_batches(examples: Sequence[Example], *, tokens: int) -> Iterator[list[Example]]:
    """Yield all examples once, longest first, in batches of at most ``tokens`` pieces, padding included."""
    batch: list[Example] = []
    for example in sorted(examples, key=lambda example: -len(example.pieces)):
        if batch and (len(batch) + 1) * len(batch[0].pieces) > tokens:
            yield batch
            batch = []
        batch.append(example)
    if batch:
        yield batch


def _special_pieces(tokenizer: PreTrainedTokenizerBase) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return what the tokenizer puts before and after a sentence."""
    bare = tokenizer("a", add_special_tokens=False)["input_ids"]
    full = tokenizer("a", add_special_tokens=True)["input_ids"]
    before = next(at for at in range(len(full) + 1) if full[at : at + len(bare)] == bare)
    return tuple(full[:before]), tuple(full[before + len(bare) :])
