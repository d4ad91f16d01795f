"""Standard output kept for envkit's own words while an author's code may run in another thread."""

from __future__ import annotations

import contextlib
import os
import sys
from typing import TYPE_CHECKING

from envkit.registry.output_aside import ASIDE, duplicate

if TYPE_CHECKING:
    from collections.abc import Iterator

_STDOUT = 1


@contextlib.contextmanager
def output_kept() -> Iterator[None]:
    """Have ``sys.stdout`` write to a copy of descriptor 1, which leads to standard error meanwhile.

    Programs that any thread starts inherit the descriptor, and none of them writes among what envkit prints. Begin
    it before other threads do: what one of them is printing at that moment would go astray. Raises: OSError where
    what was printed last cannot be written.
    """
    usual = sys.stdout
    usual.flush()
    try:
        is_real = usual.fileno() == _STDOUT
    except (OSError, ValueError, AttributeError):
        is_real = False
    if not is_real:  # it was replaced, and is no program's
        with ASIDE:
            yield
        return
    # Never closed: a thread that was left behind may put it back later, when it comes to its end.
    ours = os.fdopen(
        duplicate(_STDOUT),
        "w",
        encoding=usual.encoding,
        errors=usual.errors,
        buffering=1 if usual.isatty() else -1,
        closefd=False,
    )
    before = sys.__stdout__
    with ASIDE:
        sys.stdout = sys.__stdout__ = ours  # type: ignore[misc]  # the latter tells how wide a terminal is
        try:
            yield
        finally:
            sys.stdout, sys.__stdout__ = usual, before  # type: ignore[misc]
            ours.flush()
