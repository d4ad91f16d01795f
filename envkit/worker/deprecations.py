"""Tell the user, as a warning of the run, that its plugin uses what goes away from envkit."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

from envkit.api import EnvkitDeprecationWarning

if TYPE_CHECKING:
    from collections.abc import Callable


def tell_deprecations(warn: Callable[[str], None], *, plugin: str) -> None:
    """Hand each such warning of this process to ``warn``, once, as that of the plugin; others are as before."""
    usual, told = warnings.showwarning, set()

    def show(message: Warning | str, category: type[Warning], *place: Any, **rest: Any) -> None:
        if not isinstance(message, EnvkitDeprecationWarning):
            usual(message, category, *place, **rest)
        elif (text := str(message.of_plugin(plugin))) not in told:
            told.add(text)
            warn(text)

    warnings.showwarning = show
