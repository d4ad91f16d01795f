"""Names that extensions claim for what they hand in: each is had by its name, and of two neither is chosen."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from envkit.api import PluginError, UsageError
from envkit.registry import (
    decide_hint,
    describe,
    find_extensions,
    load_extension,
    plugin_error,
    preferred_plugin,
)
from envkit.registry.metadata import canonical
from envkit.registry.preference import PREFER_SETTING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from envkit.registry import Extension, ExtensionEntry

GivenT = TypeVar("GivenT")


@dataclass(frozen=True, kw_only=True)
class Claim(Generic[GivenT]):
    """What is behind a name, or the reason why the name cannot be used: then ``given`` is None.

    ``source`` names the distribution that supplies it, with its version; on a conflict, all of them.
    """

    name: str
    source: str
    given: GivenT | None
    fault: PluginError | None = None

    @property
    def summary(self) -> str:
        """Return in one line what it is for, or why it cannot be used."""
        if self.given is not None:
            return str(self.given.summary)  # type: ignore[attr-defined]  # all that is handed in has one
        return self.fault.message if self.fault else ""


@dataclass(frozen=True, kw_only=True)
class Claims(Generic[GivenT]):
    """All claims of one kind; ``faults`` are what extensions gave that cannot be offered under any name.

    ``kind`` and ``purpose`` are words for errors: ``backend``, ``environments``.
    """

    kind: str
    purpose: str
    by_name: dict[str, list[tuple[ExtensionEntry, GivenT]]]
    faults: list[PluginError]

    def all(self) -> dict[str, Claim[GivenT]]:
        """Return the claims by name, sorted; one of two distributions is there with its fault."""
        return {name: self._settle(name) for name in sorted(self.by_name)}

    def pick(self, name: str) -> GivenT:
        """Return what is behind a name.

        Raises: UsageError where there is none, PluginError where two distributions claim the name.
        """
        if name not in self.by_name:
            near = difflib.get_close_matches(name.lower(), self.by_name, n=1)
            known = f"{self.kind.capitalize()}s here: {', '.join(sorted(self.by_name)) or 'none'}."
            broken = "".join(f" {fault.message}." for fault in self.faults)
            raise UsageError(
                f"there is no {self.kind} {name!r} for {self.purpose}",
                hint=(f"Did you mean {near[0]!r}? " if near else "") + known + broken,
            )
        claim = self._settle(name)
        if claim.given is None:
            assert claim.fault is not None
            raise claim.fault
        return claim.given

    def _settle(self, name: str) -> Claim[GivenT]:
        claims = self._chosen(name)
        sources = " and ".join(sorted({str(entry) for entry, _ in claims}))
        if len(claims) == 1:
            return Claim(name=name, source=sources, given=claims[0][1])
        plugins = sorted({entry.plugin for entry, _ in claims})
        entry = claims[0][0]
        if len(plugins) == 1:
            fault = plugin_error(entry, f"the {self.kind} {name!r} is claimed twice by {sources}")
        else:
            fault = PluginError(
                f"the {self.kind} {name!r} is claimed by {sources}",
                hint=decide_hint(name, plugins),
                plugin=entry.plugin,
                version=entry.version,
                state="conflict",
            )
        return Claim(name=name, source=sources, given=None, fault=fault)

    def _chosen(self, name: str) -> list[tuple[ExtensionEntry, GivenT]]:
        """Return of several claims the one that the user prefers, else envkit's own, else all."""
        claims = self.by_name[name]
        if len(claims) < 2:
            return claims
        wanted = preferred_plugin(name)
        preferred = [claim for claim in claims if canonical(claim[0].plugin) == wanted]
        return preferred or [claim for claim in claims if claim[0].is_own] or claims


def read_claims(
    kind: str,
    *,
    purpose: str,
    hook: str,
    take: Callable[[Extension], Sequence[Any]],
    find_wrong: Callable[[Any], str],
    wanted: str | None = None,
) -> Claims[Any]:
    """Ask every extension, each on its own. ``find_wrong`` says what is wrong with what it gives, or nothing.

    Where only the name ``wanted`` is, and it is envkit's own, and no setting gives it to another, the others are
    not even imported: none can make it slower.
    """
    by_name: dict[str, list[tuple[ExtensionEntry, Any]]] = {}
    faults: list[PluginError] = []
    own_first = sorted(find_extensions(), key=lambda entry: not entry.is_own)
    for entry in own_first:
        own_claims = any(claimer.is_own for claimer, _ in by_name.get(wanted or "", ()))
        if own_claims and not entry.is_own and preferred_plugin(wanted or "") is None:
            break
        extension = load_extension(entry)
        if extension.fault is not None:
            faults.append(extension.fault)
            continue
        try:
            given = take(extension)
        except PluginError as error:
            faults.append(error)
            continue
        for each in given:
            if wrong := _look(each, find_wrong):
                faults.append(plugin_error(extension.entry, f"{hook} of {extension.entry} gives {wrong}"))
            else:
                by_name.setdefault(each.name, []).append((extension.entry, each))
    faults += _overridden(by_name, kind=kind, hook=hook)
    return Claims(kind=kind, purpose=purpose, by_name=by_name, faults=faults)


def _look(given: Any, find_wrong: Callable[[Any], str]) -> str:
    try:
        return find_wrong(given)
    except Exception as error:  # noqa: BLE001 - a property of the author's may raise
        return f"{type(given).__name__}, which cannot be looked at: {describe(error)}"


def _overridden(
    by_name: Mapping[str, Sequence[tuple[ExtensionEntry, Any]]], *, kind: str, hook: str
) -> list[PluginError]:
    """Return what is wrong with claims to names of envkit's own, which nobody loses unasked."""
    return [
        plugin_error(
            entry,
            f"{hook} of {entry} gives the {kind} {name!r}, which is envkit's own: it needs another name",
            hint=f"To use it all the same: envkit config set {PREFER_SETTING}.{name} {entry.plugin}",
            state="conflict",
        )
        for name, several in by_name.items()
        if any(entry.is_own for entry, _ in several) and preferred_plugin(name) is None
        for entry, _ in several
        if not entry.is_own
    ]
