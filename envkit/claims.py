"""Names that extensions claim for what they hand in: each is had by its name, and of two neither is chosen."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from envkit.api import PluginError, UsageError
from envkit.registry import load_extensions, report_hint

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

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
        claims = self.by_name[name]
        sources = " and ".join(sorted({str(entry) for entry, _ in claims}))
        if len(claims) == 1:
            return Claim(name=name, source=sources, given=claims[0][1])
        plugins = sorted({entry.plugin for entry, _ in claims})
        fault = PluginError(
            f"the {self.kind} {name!r} is claimed by {sources}",
            hint=f"Uninstall all but one: pip uninstall {plugins[-1]}",
        )
        return Claim(name=name, source=sources, given=None, fault=fault)


def read_claims(
    kind: str,
    *,
    purpose: str,
    hook: str,
    take: Callable[[Extension], Sequence[Any]],
    find_wrong: Callable[[Any], str],
) -> Claims[Any]:
    """Ask every extension, each on its own. ``find_wrong`` says what is wrong with what it gives, or nothing."""
    by_name: dict[str, list[tuple[ExtensionEntry, Any]]] = {}
    faults: list[PluginError] = []
    for extension in load_extensions():
        if extension.fault is not None:
            faults.append(extension.fault)
            continue
        try:
            given = take(extension)
        except PluginError as error:
            faults.append(error)
            continue
        for each in given:
            if wrong := find_wrong(each):
                message = f"{hook} of {extension.entry} gives {wrong}"
                faults.append(PluginError(message, hint=report_hint(extension.entry)))
            else:
                by_name.setdefault(each.name, []).append((extension.entry, each))
    return Claims(kind=kind, purpose=purpose, by_name=by_name, faults=faults)
