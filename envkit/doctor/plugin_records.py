"""What the doctor and the process that loads plugins say to each other: a line of JSON each way."""

from __future__ import annotations

from typing import Literal

import msgspec

from envkit.api.checks import Finding, PluginState
from envkit.api.facts import MachineFacts

Kind = Literal["task", "extension"]


Standing = Literal["usable", "disabled", "overruled", "conflict", "broken"]


class EntryRecord(msgspec.Struct, frozen=True, kw_only=True):
    """An entry point of an installed distribution, as its metadata tell.

    ``standing`` is what metadata and settings make of it before it is imported, with the ``problem`` where it
    is not ``usable``: see ``envkit.registry.StandingEntry``. ``source_dir`` is the folder of an editable install.
    """

    kind: Kind
    name: str
    plugin: str
    version: str
    requires_python: str = ""
    tracker: str | None = None
    source_dir: str | None = None
    standing: Standing = "usable"
    problem: str | None = None

    @property
    def is_used(self) -> bool:
        """Tell whether any command would import it, as far as the user's settings tell."""
        return self.standing not in ("disabled", "overruled")

    @property
    def source(self) -> str:
        """Return distribution and version, as errors name the plugin."""
        return f"{self.plugin} {self.version}"


class CheckRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A check that an extension hands in, all but what it runs."""

    id: str
    summary: str
    needs: tuple[str, ...] = ()
    cost: Literal["light", "slow"] = "light"
    network: bool = False
    link: str | None = None


class ListEntries(msgspec.Struct, frozen=True, tag="list"):
    """Ask for all entries."""


class LoadEntry(msgspec.Struct, frozen=True, kw_only=True, tag="load"):
    """Ask for one entry to be imported."""

    entry: EntryRecord


class RunCheck(msgspec.Struct, frozen=True, kw_only=True, tag="run"):
    """Ask for a check of an extension to be run, with what it may look at."""

    entry: EntryRecord
    check: str
    facts: MachineFacts
    plugins: tuple[PluginState, ...] = ()
    is_elsewhere: bool = False


class Asked(msgspec.Struct, frozen=True):
    """A requirement of a distribution, as its metadata have it, and the version that is installed of it."""

    requirement: str
    installed: str | None


class Entries(msgspec.Struct, frozen=True, kw_only=True):
    """The answer: what is installed. ``torch`` is what envkit itself asks for, empty where nothing tells."""

    entries: tuple[EntryRecord, ...]
    torch: str = ""


class Loaded(msgspec.Struct, frozen=True, kw_only=True):
    """The answer: how loading went. ``state`` is what the registry calls it where there is a ``problem``.

    ``asked`` is what the metadata ask for whatever the extra. ``faults`` are what is wrong with the checks that an
    extension hands in; the others are in ``checks``. ``remarks`` are what importing did that no import should.
    ``has_raised`` tells that the problem is an error of the plugin's code, ``shared`` which packages it uses that
    another plugin had imported, with this one.
    """

    problem: str | None = None
    state: str = "broken"
    asked: tuple[Asked, ...] = ()
    milliseconds: float = 0.0
    heavy: tuple[str, ...] = ()
    hooks: tuple[str, ...] = ()
    checks: tuple[CheckRecord, ...] = ()
    faults: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    has_raised: bool = False
    shared: tuple[tuple[str, str], ...] = ()


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """The answer: what a check found, or why it found nothing."""

    findings: tuple[Finding, ...] = ()
    problem: str | None = None


Request = ListEntries | LoadEntry | RunCheck
