"""Put texts together as a model reads them: pieces, the special ones around them, and which text each is of."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from envkit.api import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from transformers import PreTrainedModel, PreTrainedTokenizerBase

_TEXTS_AT_ONCE = 1000


@dataclass(frozen=True, slots=True)
class Encoded:
    """One input of a model: its pieces, special ones included, and their token types.

    ``types`` is None where the model tells its texts apart by nothing but the special pieces.
    """

    pieces: tuple[int, ...]
    types: tuple[int, ...] | None = None


@dataclass(frozen=True, slots=True)
class TextPieces:
    """The pieces of a text alone, all of them; ``offsets`` are the characters [start, stop) of each."""

    pieces: tuple[int, ...]
    offsets: tuple[tuple[int, int], ...] | None = None


@dataclass(frozen=True, slots=True)
class Around:
    """The special pieces beside the texts: before the first, between two, after the last, with their types."""

    before: tuple[int, ...]
    between: tuple[int, ...]
    after: tuple[int, ...]
    types: tuple[tuple[int, ...], ...]  # of before, the first text, between, the second text, after

    @property
    def count(self) -> int:
        """Return how many special pieces there are."""
        return len(self.before) + len(self.between) + len(self.after)


@dataclass(frozen=True, slots=True)
class InputTemplate:
    """What a model's tokenizer puts around one text, and around two; found by encoding."""

    one: Around
    two: Around
    has_types: bool

    @classmethod
    def of(cls, tokenizer: PreTrainedTokenizerBase, *, model: PreTrainedModel | None = None) -> InputTemplate:
        """Return the template of this tokenizer.

        Types are left out where they are 0 throughout, which is what a model assumes, or where ``model``,
        if given, does not take them or knows too few. Raises: UsageError where the tokenizer does not
        keep two texts as they are.
        """
        one, two = _read_around(tokenizer, "a"), _read_around(tokenizer, "a", "b")
        most = max(max(types, default=0) for around in (one, two) for types in around.types)
        return cls(one, two, has_types=most > 0 and (model is None or _takes_types(model, most)))

    def single(self, pieces: Sequence[int]) -> Encoded:
        """Return the input of one text."""
        one = self.one
        types = None
        if self.has_types:
            of_before, of_first, _, _, of_after = one.types
            types = (*of_before, *of_first * len(pieces), *of_after)
        return Encoded((*one.before, *pieces, *one.after), types)

    def pair(self, first: Sequence[int], second: Sequence[int]) -> Encoded:
        """Return the input of two texts."""
        two = self.two
        types = None
        if self.has_types:
            of_before, of_first, of_between, of_second, of_after = two.types
            types = (
                *of_before,
                *of_first * len(first),
                *of_between,
                *of_second * len(second),
                *of_after,
            )
        return Encoded((*two.before, *first, *two.between, *second, *two.after), types)

    def room_single(self, window: int) -> int:
        """Return how many pieces of one text a window of so many pieces holds; 0 where it is too narrow."""
        return max(0, window - self.one.count)

    def room_pair(self, window: int) -> int:
        """Return how many pieces of both texts together a window of so many pieces holds."""
        return max(0, window - self.two.count)

    def second_start(self, first_length: int) -> int:
        """Return the place of the second text's first piece behind a first text of so many pieces."""
        return len(self.two.before) + first_length + len(self.two.between)


def encode_texts(
    tokenizer: PreTrainedTokenizerBase, texts: Iterable[str], *, offsets: bool = False
) -> list[TextPieces]:
    """Return the pieces of each text, in order: no special ones, nothing cut; each distinct text is read once.

    Raises: UsageError where ``offsets`` are asked of a tokenizer that has none.
    """
    if offsets and not tokenizer.is_fast:
        raise UsageError(
            "the model's tokenizer does not say which characters its pieces are of",
            hint="Give --model a model whose folder has a tokenizer.json",
        )
    wanted = list(texts)
    distinct = list(dict.fromkeys(wanted))
    # One object a piece, however often it occurs: else the numbers take four times the room of the rows.
    numbers: dict[int, int] = {}
    found: dict[str, TextPieces] = {}
    for start in range(0, len(distinct), _TEXTS_AT_ONCE):
        part = distinct[start : start + _TEXTS_AT_ONCE]
        encoded = _encode(tokenizer, part, offsets=offsets)
        places = encoded["offset_mapping"] if offsets else [None] * len(part)
        for text, pieces, of_text in zip(part, encoded["input_ids"], places, strict=True):
            found[text] = TextPieces(
                tuple([numbers.setdefault(piece, piece) for piece in pieces]),
                None if of_text is None else tuple(map(tuple, of_text)),
            )
    return [found[text] for text in wanted]


def _encode(tokenizer: PreTrainedTokenizerBase, texts: list[str], *, offsets: bool) -> Any:
    return tokenizer(
        texts,
        add_special_tokens=False,
        return_attention_mask=False,
        return_token_type_ids=False,
        return_offsets_mapping=offsets,
        verbose=False,  # it would warn of texts longer than the model reads, which are cut later
    )


def _read_around(tokenizer: PreTrainedTokenizerBase, *texts: str) -> Around:
    """Return what stands around these one or two texts. Raises: UsageError."""
    encoded = tokenizer(*texts)
    full: list[int] = list(encoded["input_ids"])
    types: list[int] = list(encoded.get("token_type_ids", [0] * len(full)))
    cuts = [0]  # where what is before, each text, and what is behind begins
    for text in texts:
        bare = list(tokenizer(text, add_special_tokens=False)["input_ids"])
        start = _find(bare, full, cuts[-1])
        cuts += [start, start + len(bare)]
    parts = [slice(a, b) for a, b in zip(cuts, [*cuts[1:], len(full)], strict=True)]
    before, first, *rest, after = parts
    between, second = rest or (slice(0, 0), slice(0, 0))
    return Around(
        before=tuple(full[before]),
        between=tuple(full[between]),
        after=tuple(full[after]),
        # All pieces of a text are of one type.
        types=(
            tuple(types[before]),
            tuple(types[first][:1]),
            tuple(types[between]),
            tuple(types[second][:1]),
            tuple(types[after]),
        ),
    )


def _find(bare: list[int], full: list[int], start: int) -> int:
    for place in range(start, len(full) - len(bare) + 1):
        if bare and full[place : place + len(bare)] == bare:
            return place
    raise UsageError(
        "the model's tokenizer reads a text otherwise alone than among others",
        hint="Give --model another model",
    )


def _takes_types(model: PreTrainedModel, most: int) -> bool:
    known = getattr(model.config, "type_vocab_size", None)
    is_named = "token_type_ids" in inspect.signature(_bare(model).forward).parameters
    return is_named and (known is None or most < known)


def _bare(model: Any) -> Any:
    """Return the model that an adapter wraps, or the model itself."""
    return model.get_base_model() if hasattr(model, "get_base_model") else model


def padding_piece(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> int:
    """Return the piece to pad with, and let the model know it, which some find the end of a text by."""
    given = (tokenizer.pad_token_id, tokenizer.eos_token_id, 0)
    piece: int = next(piece for piece in given if piece is not None)
    if model.config.pad_token_id is None:
        model.config.pad_token_id = piece
    return piece
