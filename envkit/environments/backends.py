"""Find the backends that extensions hand in, and pick one by its name."""

from __future__ import annotations

import difflib
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from envkit.api import BackendContext, EnvironmentBackend, PluginError, UsageError
from envkit.registry import load_extensions, report_hint

if TYPE_CHECKING:
    from collections.abc import Mapping

    from envkit.config import Settings
    from envkit.registry import ExtensionEntry


@dataclass(frozen=True, kw_only=True)
class BackendEntry:
    """A backend by its name, or the reason why the name cannot be used: then ``backend`` is None.

    ``source`` names the distribution that supplies it, with its version; on a conflict, all of them.
    """

    name: str
    source: str
    backend: EnvironmentBackend | None
    fault: PluginError | None = None

    @property
    def summary(self) -> str:
        """Return in one line what it makes, or why it cannot be used."""
        if self.backend is not None:
            return self.backend.summary
        return self.fault.message if self.fault else ""


def find_backends() -> dict[str, BackendEntry]:
    """Return the backends by name, sorted; one that two distributions claim is there with its fault."""
    claimed, _ = _claimed_backends()
    return {name: _settle(name, claimed[name]) for name in sorted(claimed)}


def load_backend(name: str) -> EnvironmentBackend:
    """Return the backend of this name.

    Raises: UsageError where there is none, PluginError where two distributions claim the name.
    """
    claimed, faults = _claimed_backends()
    if name not in claimed:
        near = difflib.get_close_matches(name.lower(), claimed, n=1)
        known = f"Backends here: {', '.join(sorted(claimed)) or 'none'}."
        broken = "".join(f" {fault.message}." for fault in faults)
        raise UsageError(
            f"there is no backend {name!r} for environments",
            hint=(f"Did you mean {near[0]!r}? " if near else "") + known + broken,
        )
    claims = claimed[name]
    if len(claims) > 1:
        raise _conflict(name, claims)
    return claims[0][1]


def find_faults() -> list[PluginError]:
    """Return what is wrong with extensions that can hand in no backend."""
    return _claimed_backends()[1]


def backend_context(
    settings: Settings, *, backend: str, environ: Mapping[str, str] = os.environ
) -> BackendContext:
    """Return what the backend of this name works with: envkit's settings and a cache of its own."""
    return BackendContext(
        environ=environ,
        cache_dir=settings.home / "cache" / backend,
        channels=settings.channels,
        channel_alias=settings.channel_alias,
    )


_Claims = dict[str, list[tuple["ExtensionEntry", EnvironmentBackend]]]


def _claimed_backends() -> tuple[_Claims, list[PluginError]]:
    claimed: _Claims = {}
    faults: list[PluginError] = []
    for extension in load_extensions():
        if extension.fault is not None:
            faults.append(extension.fault)
            continue
        try:
            given = extension.backends()
        except PluginError as error:
            faults.append(error)
            continue
        for each in given:
            if isinstance(each, EnvironmentBackend) and each.name:
                claimed.setdefault(each.name, []).append((extension.entry, each))
            else:
                faults.append(_no_backend(extension.entry, each))
    return claimed, faults


def _no_backend(entry: ExtensionEntry, given: object) -> PluginError:
    wanted = [name for name in dir(EnvironmentBackend) if not name.startswith("_")]
    missing = [name for name in ("name", "summary", *wanted) if not hasattr(given, name)]
    lacks = f", which lacks {', '.join(dict.fromkeys(missing))}" if missing else ""
    return PluginError(
        f"envkit_backends of {entry} gives {type(given).__name__}, which is no backend{lacks}",
        hint=report_hint(entry),
    )


def _settle(name: str, claims: list[tuple[ExtensionEntry, EnvironmentBackend]]) -> BackendEntry:
    sources = sorted({str(entry) for entry, _ in claims})
    if len(claims) == 1:
        return BackendEntry(name=name, source=sources[0], backend=claims[0][1])
    return BackendEntry(name=name, source=" and ".join(sources), backend=None, fault=_conflict(name, claims))


def _conflict(name: str, claims: list[tuple[ExtensionEntry, EnvironmentBackend]]) -> PluginError:
    sources = sorted({str(entry) for entry, _ in claims})
    plugins = sorted({entry.plugin for entry, _ in claims})
    return PluginError(
        f"the backend {name!r} is claimed by {' and '.join(sources)}",
        hint=f"Uninstall all but one: pip uninstall {plugins[-1]}",
    )
