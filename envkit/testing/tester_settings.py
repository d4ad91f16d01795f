"""Keep what the tester has set for envkit in the shell away from the plugins of a test."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING

from envkit.registry import DISABLE_VARIABLE, PREFER_VARIABLE

if TYPE_CHECKING:
    from collections.abc import Iterator, MutableMapping

WHICH_PLUGINS = (DISABLE_VARIABLE, PREFER_VARIABLE)


@contextlib.contextmanager
def without_variables(*names: str, environ: MutableMapping[str, str] = os.environ) -> Iterator[None]:
    """Take these variables away until the end of the block, then put back what they were."""
    before = {name: environ.pop(name) for name in names if name in environ}
    try:
        yield
    finally:
        for name in names:
            environ.pop(name, None)
        environ.update(before)
