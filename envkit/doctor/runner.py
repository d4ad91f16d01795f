"""Run checks beside each other and hand out what they find in a fixed order, whatever one of them does."""

from __future__ import annotations

import contextlib
import threading
import time
from collections import deque
from typing import TYPE_CHECKING

import msgspec

from envkit.api.checks import CheckContext, Finding
from envkit.machine.parts import FIRST_PARTS, NETWORK
from envkit.masking import mask_secrets

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from envkit.api.checks import Check, PluginState
    from envkit.api.facts import MachineFacts

PLUGINS = "plugins"  # beside the parts of the facts, what a check may name in `needs`
DEADLINE_SECONDS = 30.0
CHECK_SECONDS = 5.0
_QUICK_PART = "platform"  # for a check that needs nothing: asking for no part would mean all
# What facts of version 1 hold; they name no parts.
_REPORT = "Please report it: this is a bug in envkit"


class Unmade(Finding, frozen=True, kw_only=True):
    """A ``skip`` because what the check needs could not be read: nobody knows whether all is well."""


def run_checks(
    checks: Sequence[Check],
    *,
    facts: Callable[..., MachineFacts],
    plugins: Callable[[], tuple[PluginState, ...]] = tuple,
    is_elsewhere: bool = False,
    deadline: float = DEADLINE_SECONDS,
    check_timeout: float | None = CHECK_SECONDS,
    clock: Callable[[], float] = time.monotonic,
) -> Iterator[tuple[Check, tuple[Finding, ...]]]:
    """Yield every check with its findings, in the order given, each as soon as those before it are there.

    ``facts`` returns the parts that it is called with, as soon as they are read; ``plugins`` is called where
    a check names it in ``needs``. A check gets ``check_timeout`` seconds from when it has what it needs (a
    slow one, or any where that is None, all that is left), all of them together ``deadline``. One that raises
    or hangs is a finding of severity ``crash``; one whose part of the facts is missing a ``skip``.
    """
    end = clock() + deadline
    finished = threading.Condition()
    slots = [_Slot(check, facts, plugins, is_elsewhere, clock, finished) for check in checks]
    # Light checks take microseconds, and a thread of its own many times that: they share one, until one hangs.
    shared = deque(slot for slot in slots if slot.check.cost == "light" and check_timeout is not None)
    alone = [slot for slot in slots if slot not in shared]
    for slot in alone:
        _start(deque([slot]))
    _start(shared)
    for slot in slots:
        findings = slot.await_findings(end, check_timeout)
        if shared and slot not in alone and not slot.is_finished:
            _start(shared)  # it holds the thread of those after it
        yield slot.check, findings


def _start(waiting: deque[_Slot]) -> None:
    threading.Thread(target=_run_all, args=[waiting], daemon=True).start()


def _run_all(waiting: deque[_Slot]) -> None:
    """Run what waits, one after the other; a thread that comes free again late shares the rest with the next."""
    with contextlib.suppress(IndexError):
        while True:
            waiting.popleft().run()


class _Slot:
    """One check that runs in a thread of its own, which nobody waits for longer than it may take."""

    def __init__(
        self,
        check: Check,
        facts: Callable[..., MachineFacts],
        plugins: Callable[[], tuple[PluginState, ...]],
        is_elsewhere: bool,
        clock: Callable[[], float],
        finished: threading.Condition,
    ) -> None:
        self.check = check
        self._facts = facts
        self._plugins = plugins
        self._is_elsewhere = is_elsewhere
        self._clock = clock
        self._finished = finished
        self._began: float | None = None
        self._findings: tuple[Finding, ...] | None = None

    @property
    def is_finished(self) -> bool:
        """Tell whether the check has come to its end."""
        return self._findings is not None

    def run(self) -> None:
        """Wait for what the check needs, and run it."""
        try:
            findings = self._judge()
        except BaseException as error:  # noqa: BLE001 - sys.exit too: a bad check harms only itself
            from envkit.registry import describe  # where all is well, nobody waits for its import

            findings = (crashed(self.check, f"the check failed: {describe(error)}"),)
        with self._finished:
            self._findings = findings
            self._finished.notify_all()

    def await_findings(self, end: float, timeout: float | None) -> tuple[Finding, ...]:
        """Return what the check finds, or that it gave no answer."""
        with self._finished:
            while self._findings is None:
                limit = end
                if self._began is not None and timeout is not None and self.check.cost == "light":
                    limit = min(end, self._began + timeout)
                left = limit - self._clock()
                if left <= 0:
                    return (self._late(),)
                self._finished.wait(left)
            return self._findings

    def _judge(self) -> tuple[Finding, ...]:
        needs = self.check.needs
        parts = tuple(part for part in needs if part != PLUGINS)
        facts = self._facts(*(parts or (_QUICK_PART,)))
        plugins = self._plugins() if PLUGINS in needs else ()
        if (missing := _missing(facts, parts)) is not None:
            return (stamped(missing, self.check),)
        with self._finished:
            self._began = self._clock()
            self._finished.notify_all()
        context = CheckContext(facts=facts, plugins=plugins, is_elsewhere=self._is_elsewhere)
        found: tuple[object, ...] = tuple(self.check.run(context) or ())
        findings = tuple(finding for finding in found if isinstance(finding, Finding))
        if len(findings) < len(found):
            wrong = next(type(each).__name__ for each in found if not isinstance(each, Finding))
            return (crashed(self.check, f"the check gave {wrong}, not a Finding"),)
        return tuple(stamped(finding, self.check) for finding in findings) or (well(self.check),)

    def _late(self) -> Finding:
        if self._began is None:
            return stamped(Unmade(severity="skip", summary="what it needs was not there in time"), self.check)
        return crashed(self.check, f"the check did not answer in {self._clock() - self._began:.0f} s")


def well(check: Check) -> Finding:
    """Return the finding of a check that found nothing."""
    return stamped(Finding(severity="ok", summary=check.summary), check)


def stamped(finding: Finding, check: Check) -> Finding:
    """Return the finding with the id and the link of its check, where it has none of its own; no password in it."""
    return msgspec.structs.replace(
        finding,
        id=finding.id or check.id,
        link=finding.link or check.link,
        plugin=finding.plugin or getattr(check, "plugin", ""),
        summary=mask_secrets(finding.summary),
        evidence=tuple(mask_secrets(line) for line in finding.evidence),
        fix=finding.fix and mask_secrets(finding.fix),
    )


def crashed(check: Check, summary: str, *, fix: str = _REPORT) -> Finding:
    """Return the finding of a check that did not do what a check does."""
    return stamped(Finding(severity="crash", summary=summary, fix=fix), check)


def _missing(facts: MachineFacts, parts: tuple[str, ...]) -> Finding | None:
    """Return why a part that is needed is not there, None where all are."""
    looked_at = facts.parts or FIRST_PARTS
    for part in parts:
        if part not in looked_at:
            # Facts have the network only where --network was said.
            kind = Finding if part == NETWORK else Unmade
            return kind(severity="skip", summary=f"not judged: these facts tell nothing of {_words(part)}")
        for unread in facts.unread:
            if unread.part == part and unread.is_whole:
                return Unmade(severity="skip", summary=f"not judged: {unread.what}: {unread.why}")
    return None


def _words(part: str) -> str:
    return part.replace("_", " ")
