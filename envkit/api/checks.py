"""Checks of ``envkit doctor`` and what they find: pure functions over the facts of a machine."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import msgspec

if TYPE_CHECKING:
    from envkit.api.facts import MachineFacts

Severity = Literal["ok", "info", "warn", "error", "skip", "crash"]


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """What a check says. Only ``severity`` and ``summary`` have to be given: ``id``, ``plugin`` and ``link``
    are filled in from the check.

    ``summary`` is one line in plain words, ``evidence`` the facts that it rests on, a line each, and ``fix`` a
    sentence or a command that can be pasted. ``safe_fix`` is a command as a list of words that
    ``envkit doctor --fix`` may run: it asks before, deletes nothing of value and can be run twice.
    """

    severity: Severity
    summary: str
    evidence: tuple[str, ...] = ()
    fix: str | None = None
    safe_fix: tuple[str, ...] = ()
    link: str | None = None
    id: str = ""
    plugin: str = ""


class PluginState(msgspec.Struct, frozen=True, kw_only=True):
    """How an installed plugin fares when it is loaded, in a process apart from envkit's.

    ``kind`` is ``task`` or ``extension`` and ``name`` the entry point's. ``state`` is ``ok``, ``broken`` (it
    cannot be loaded: ``problem``), ``conflict`` (another claims the name), ``incompatible`` (it is made for
    another Python, envkit or package than are here), ``silent`` (not loaded in time), ``disabled`` (by the user) or
    ``overruled`` (the setting plugins.prefer gives its name to another; ``envkit plugin list`` calls it ``blocked``);
    the last two are not even imported.
    ``heavy`` names modules such as torch that it imports where only the light half should, ``milliseconds`` what
    its import takes, and ``remarks`` what importing it did that no import should (``prints 'hello'``). ``shared``
    names packages that it uses and that ``milliseconds`` leave out, each with the plugin that had imported it first.
    ``source_dir`` is the folder of an editable install, whose user can mend it.
    """

    plugin: str
    version: str
    kind: Literal["task", "extension"]
    name: str
    state: Literal["ok", "broken", "conflict", "incompatible", "silent", "disabled", "overruled"]
    problem: str | None = None
    tracker: str | None = None
    milliseconds: float | None = None
    heavy: tuple[str, ...] = ()
    hooks: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    shared: tuple[tuple[str, str], ...] = ()
    source_dir: str | None = None


@dataclass(frozen=True, kw_only=True)
class CheckContext:
    """What a check may look at. ``is_elsewhere`` tells that the facts are those of another machine."""

    facts: MachineFacts
    plugins: tuple[PluginState, ...] = ()
    is_elsewhere: bool = False


@dataclass(frozen=True, kw_only=True)
class Check:
    """One question to a machine.

    ``id`` is ``subject.what``, such as ``gpu.driver-missing``: letters, digits, dashes and one dot. What ``run``
    yields takes it over; a check that yields nothing has found all well. ``needs`` are names of fields of
    MachineFacts, or ``plugins``: where one could not be read at all, the check is skipped and says so. ``cost`` is ``slow`` for
    one that takes more than a tenth of a second: it runs under ``--deep`` alone. ``network`` marks one that needs
    ``--network``. ``run`` changes nothing on the machine, and is given 5 seconds.
    """

    id: str
    summary: str
    run: Callable[[CheckContext], Iterable[Finding]]
    needs: tuple[str, ...] = ()
    cost: Literal["light", "slow"] = "light"
    network: bool = False
    link: str | None = None
