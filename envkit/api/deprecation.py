"""How envkit takes something away: it warns for a while, in words that users can hand on to an author."""

from __future__ import annotations

import warnings


class EnvkitDeprecationWarning(FutureWarning):
    """Say that a plugin uses what goes away.

    ``removed_in`` is the version of envkit without it (``2.0``), ``plugin`` the distribution and version that use
    it, empty where nobody knows yet: envkit fills it in when it hears the warning. A FutureWarning, as it is meant
    for users: Python shows it unasked.
    """

    def __init__(self, message: str, *, removed_in: str, plugin: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.removed_in = removed_in
        self.plugin = plugin

    def __str__(self) -> str:
        """Return the message, behind the plugin where that is known."""
        return f"{self.plugin}: {self.message}" if self.plugin else self.message

    def of_plugin(self, plugin: str) -> EnvkitDeprecationWarning:
        """Return the warning as this plugin's, unless it is another's already."""
        return EnvkitDeprecationWarning(
            self.message, removed_in=self.removed_in, plugin=self.plugin or plugin
        )


def deprecated(name: str, *, removed_in: str, instead: str, stacklevel: int = 1) -> None:
    """Warn that ``name`` goes away: called first thing in it. Users see it once a command, with the plugin's name.

    ``stacklevel`` counts the functions between the deprecated one and its caller, for a warning at the right line.
    """
    message = f"{name} goes away in envkit {removed_in}: use {instead}"
    warnings.warn(EnvkitDeprecationWarning(message, removed_in=removed_in), stacklevel=stacklevel + 2)
