"""What the parts need to know of an example: a plugin's own type has these three."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence


class Row(Protocol):
    """One example, as the model reads it."""

    @property
    def pieces(self) -> Sequence[int]:
        """Return the numbers of the tokens that the model reads, special ones included and padding not."""

    @property
    def items(self) -> int:
        """Return how many labelled items the loss sums over: words, texts or answers."""

    @property
    def name(self) -> str:
        """Return where it is from, for messages: ``train.conll:123``."""
