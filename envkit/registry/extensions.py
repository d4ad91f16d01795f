"""Extensions: modules of distributions that extend envkit itself, each loaded on its own."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from envkit.api import PluginError
from envkit.registry.disabled import is_disabled
from envkit.registry.entries import ExtensionEntry, find_entries, plugin_error
from envkit.registry.loading import blaming, load_module
from envkit.registry.metadata import canonical

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pluggy

# Every command that asks for backends imports every extension: one that hangs may cost no more than this.
EXTENSION_SECONDS = 10.0


@dataclass(frozen=True)
class Extension:
    """An extension that has been imported, or the reason why it could not be: one of the two is None.

    ``remarks`` say what importing it did that no import should, and that was undone.
    """

    entry: ExtensionEntry
    manager: pluggy.PluginManager | None
    fault: PluginError | None = None
    remarks: tuple[str, ...] = ()

    def backends(self) -> list[Any]:
        """Return what its ``envkit_backends`` gives, unchecked. Raises: PluginError where that fails."""
        return self._given("envkit_backends")

    def checks(self) -> list[Any]:
        """Return what its ``envkit_checks`` gives, unchecked. Raises: PluginError where that fails."""
        return self._given("envkit_checks")

    def templates(self) -> list[Any]:
        """Return what its ``envkit_templates`` gives, unchecked. Raises: PluginError where that fails."""
        return self._given("envkit_templates")

    def hooks(self) -> tuple[str, ...]:
        """Return the names of the hooks that it implements, sorted."""
        if self.manager is None:
            return ()
        return tuple(sorted(hook for hook in vars(self.manager.hook) if self._has(hook)))

    def _has(self, hook: str) -> bool:
        assert self.manager is not None
        return hook.startswith("envkit_") and bool(getattr(self.manager.hook, hook).get_hookimpls())

    def _given(self, hook: str) -> list[Any]:
        if self.manager is None or not self._has(hook):
            return []
        given: list[Any] = []
        with blaming(self.entry, f"{hook} of {self.entry} failed", seconds=EXTENSION_SECONDS):
            (answer,) = getattr(self.manager.hook, hook)() or (None,)  # pluggy leaves None out
            if answer is None or isinstance(answer, (str, bytes)):
                raise plugin_error(
                    self.entry, f"{hook} of {self.entry} gives {type(answer).__name__}, not a list"
                )
            given.extend(answer)
        return given


def find_extensions(*, environ: Mapping[str, str] = os.environ) -> list[ExtensionEntry]:
    """Return the installed extensions that are not disabled, sorted by their distribution's name; none is imported."""
    found = [entry for entry in find_entries() if isinstance(entry, ExtensionEntry)]
    usable = [entry for entry in found if not is_disabled(entry, environ=environ)]
    return sorted(usable, key=lambda entry: (canonical(entry.plugin), entry.name))


def load_extensions() -> list[Extension]:
    """Import every installed extension, each on its own, sorted by its distribution's name."""
    return [load_extension(entry) for entry in find_extensions()]


def load_extension(entry: ExtensionEntry, *, seconds: float = EXTENSION_SECONDS) -> Extension:
    """Import one extension, others' for at most ``seconds``; one that cannot be imported is returned with its fault."""
    try:
        loaded = load_module(entry, seconds=None if entry.is_own else seconds)
    except PluginError as fault:
        return Extension(entry, None, fault)
    return Extension(entry, loaded.manager, None, tuple(loaded.remarks))
