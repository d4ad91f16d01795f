"""The error of packages that no index and no channel has: whoever asked for them knows where."""

from __future__ import annotations

from typing import TYPE_CHECKING

from envkit.api import EnvError

if TYPE_CHECKING:
    from collections.abc import Sequence


class MissingPackages(EnvError):
    """Report packages that are nowhere to be found; ``names`` as the solver says them."""

    def __init__(self, message: str, *, names: Sequence[str], hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.names = tuple(names)
