"""Keep the pieces of each distinct context once, and tell pieces from characters."""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from typing import TYPE_CHECKING

from envkit.finetune.inputs import encode_texts

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from transformers import PreTrainedTokenizerBase

_CONTEXTS_AT_ONCE = 50  # what a tokenizer returns is many times as large as what is kept of it


@dataclass(frozen=True, slots=True, eq=False)
class Passage:
    """The pieces of one context, with the first character of each and the one behind its last.

    Both never fall, whatever the tokenizer says of pieces that stand for no character of their own.
    """

    pieces: array[int]
    starts: array[int]
    stops: array[int]

    def __len__(self) -> int:
        return len(self.pieces)

    def find(self, start: int, stop: int) -> tuple[int, int] | None:
        """Return the first and the last piece of these characters, None where no piece is of them."""
        first, last = bisect_right(self.stops, start), bisect_left(self.starts, stop) - 1
        return (first, last) if first <= last else None

    def cut(self, context: str, first: int, last: int) -> tuple[str, int]:
        """Return what these pieces, both included, are of the context, without blanks around it; and its start."""
        text = context[self.starts[first] : self.stops[last]]
        return text.strip(), self.starts[first] + len(text) - len(text.lstrip())


def encode_passages(tokenizer: PreTrainedTokenizerBase, contexts: Iterable[str]) -> dict[str, Passage]:
    """Return the passage of each distinct context. Raises: UsageError where pieces cannot be told from characters."""
    distinct = list(dict.fromkeys(contexts))
    passages: dict[str, Passage] = {}
    for start in range(0, len(distinct), _CONTEXTS_AT_ONCE):
        part = distinct[start : start + _CONTEXTS_AT_ONCE]
        for context, encoded in zip(part, encode_texts(tokenizer, part, offsets=True), strict=True):
            passages[context] = _make_passage(encoded.pieces, encoded.offsets or ())
    return passages


def _make_passage(pieces: Sequence[int], offsets: Sequence[tuple[int, int]]) -> Passage:
    starts, stops = array("i"), array("i")
    last_start = last_stop = 0
    for start, stop in offsets:
        last_start = max(start, last_start)
        last_stop = max(stop, last_start, last_stop)
        starts.append(last_start)
        stops.append(last_stop)
    return Passage(array("i", pieces), starts, stops)
