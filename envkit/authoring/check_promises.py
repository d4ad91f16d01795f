"""Try what a plugin promises where its work is done: a task in its environment, an extension beside envkit."""

from __future__ import annotations

import sys
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING

from envkit.api import EnvkitError, PluginError
from envkit.api.checks import Finding
from envkit.authoring.check_causes import CAUSES
from envkit.authoring.check_report import CheckResult
from envkit.authoring.check_suites import promises
from envkit.authoring.contract_run import NothingToTry, Workplace, try_promises
from envkit.registry import DISABLE_VARIABLE, PREFER_VARIABLE, TaskEntry

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from envkit.api.checks import Severity
    from envkit.authoring.check_catalog import Examination
    from envkit.authoring.check_progress import CheckProgress
    from envkit.authoring.check_records import Look
    from envkit.authoring.check_report import Wanted
    from envkit.authoring.check_suites import Promise
    from envkit.authoring.check_worker import Suite
    from envkit.authoring.contract_run import Tried
    from envkit.config import Settings
    from envkit.registry import AnyEntry

BUILDS = "check.builds"
CONTRACT = "check.contract"
ENVIRONMENT = "check.environment"
GROUP = "contract"


class PromiseChecks:
    """The promises of a plugin's entries, tried suite by suite; ``environment`` says afterwards where."""

    def __init__(
        self,
        examination: Examination,
        *,
        wanted: Wanted,
        has_contract: bool,
        env: str,
        folder: Path,
        seconds: float,
        settings: Settings,
        progress: CheckProgress,
        environ: Mapping[str, str],
    ) -> None:
        self.environment: str | None = None
        self._examination = examination
        self._subject = examination.subject
        self._wanted = wanted
        self._has_contract = has_contract
        self._env = env
        self._folder = folder
        self._seconds = seconds
        self._settings = settings
        self._progress = progress
        # What its user does without, and prefers to it, says nothing about a plugin that is checked.
        ignored = (DISABLE_VARIABLE, PREFER_VARIABLE)
        self._environ = {name: text for name, text in environ.items() if name not in ignored}
        self._count = 0
        self._ended: set[tuple[AnyEntry, Suite, str]] = set()
        self._made: set[tuple[AnyEntry, str, str]] = set()

    def run(self) -> Iterator[CheckResult]:
        """Yield a result a promise; without a contract, of those alone that need no environment and no torch."""
        looks = dict(self._examination.looks) if self._examination.entries else {}
        for entry in self._examination.entries:
            for suite, given in self._suites(entry, looks[entry]):
                if isinstance(entry, TaskEntry):
                    yield from self._try_task(entry)
                else:
                    module = self._contract_of(entry) if suite == "backend" else entry.entry_point.module
                    here = Workplace(python=sys.executable, environ=self._environ, site=self._subject.site)
                    yield from self._try(entry, suite, module, here, given=given)
                self._ended.add((entry, suite, given))

    def left(self) -> Iterator[str]:
        """Yield the ids of what was still to be tried; of an extension that was not looked at, of all it may give."""
        looks = dict(self._examination.looks_so_far)
        for entry in self._examination.entries:
            for suite, given in self._suites(entry, looks.get(entry)):
                if (entry, suite, given) in self._ended:
                    continue
                promised = [each.id for each in self._chosen(suite)]
                if suite == "task" and promised:
                    promised.insert(0, ENVIRONMENT)
                yield from (each for each in promised if (entry, given, each) not in self._made)

    def _suites(self, entry: AnyEntry, look: Look | None) -> list[tuple[Suite, str]]:
        """Return what is tried of an entry: suites, with what of the plugin's each is for."""
        if look is not None and (look.problem is not None or look.refusal is not None):
            return []  # why it cannot be used is said already
        if isinstance(entry, TaskEntry):
            return [("task", entry.name)] if self._has_contract else []
        kinds: tuple[Suite, ...] = ("backend", "check", "template")
        if not self._has_contract:
            kinds = ("check", "template")
        if look is None:
            return [(suite, "") for suite in kinds]
        found: list[tuple[Suite, str]] = []
        for suite in kinds:
            names = [name for kind, name in look.gives if kind == suite]
            found += [(suite, name) for name in ([""] if names and suite == "backend" else names)]
        return found

    def _try_task(self, entry: TaskEntry) -> Iterator[CheckResult]:
        if not self._chosen("task"):
            return
        self._progress.begin(ENVIRONMENT)
        began = time.monotonic()
        with ExitStack() as stack:
            try:
                place, reason = self._provide(entry, stack)
            except EnvkitError as error:
                is_own = isinstance(error, PluginError) and self._subject.source != "installed"
                fix = f"Mend it in {self._subject.location}, then check it again" if is_own else error.hint
                finding = self._finding(ENVIRONMENT, "error", error.message, fix=fix)
                yield self._told(ENVIRONMENT, [finding], time.monotonic() - began)
                return
            self.environment = reason
            self._made.add((entry, entry.name, ENVIRONMENT))
            well = self._finding(ENVIRONMENT, "ok", reason)
            yield self._told(ENVIRONMENT, [well], time.monotonic() - began)
            yield from self._try(entry, "task", self._contract_of(entry), place, given=entry.name)

    def _provide(self, entry: TaskEntry, stack: ExitStack) -> tuple[Workplace, str]:
        """Return where the task's promises are tried, and why there. Raises: EnvkitError."""
        from envkit.authoring.check_environment import provide_workplace

        variables = {**self._environ, PREFER_VARIABLE: f"{entry.name}={self._subject.name}"}
        return provide_workplace(
            self._env,
            entry=entry,
            site=self._subject.site,
            settings=self._settings,
            progress=self._progress,
            environ=variables,
            stack=stack,
        )

    def _try(
        self, entry: AnyEntry, suite: Suite, module: str, place: Workplace, *, given: str = ""
    ) -> Iterator[CheckResult]:
        chosen = self._chosen(suite)
        if not chosen:
            return
        self._count += 1
        by_name = {promise.name: promise for promise in chosen}
        causes: dict[tuple[str, ...], str] = {}  # what kept promises, and the first that it kept
        is_found = False
        began = time.monotonic()
        try:
            for tried in try_promises(
                suite,
                module,
                list(by_name),
                folder=self._folder / str(self._count),
                workplace=place,
                given=given,
                seconds=self._seconds,
                on_begin=lambda name: self._progress.begin(by_name[name].id),
            ):
                if not is_found and suite in ("task", "backend"):
                    is_found = True
                    yield self._told(
                        CONTRACT, [self._finding(CONTRACT, "ok", f"it is checked by {module}")], 0.0
                    )
                cause = (tried.problem or "", *tried.evidence)
                first = causes.setdefault(cause, by_name[tried.name].id) if tried.problem else ""
                self._made.add((entry, given, by_name[tried.name].id))
                yield self._judge(by_name[tried.name], tried, entry, given=given, first=first)
        except NothingToTry as error:
            evidence = (self._examination.shown(error.place),) if error.place else ()
            finding = self._finding(
                CONTRACT,
                "error",
                error.problem,
                evidence=evidence,
                fix=f"Write CONTRACT in {module}: as in envkit_ner.contract, and as envkit plugin new makes it",
            )
            yield self._told(CONTRACT, [finding], time.monotonic() - began)

    def _judge(
        self, promise: Promise, tried: Tried, entry: AnyEntry, *, given: str, first: str
    ) -> CheckResult:
        what = f"{given}: " if promise.suite in ("check", "template") else ""
        if tried.unchecked is not None:
            summary = f"{what}{promise.summary}: not checked, {tried.unchecked}"
            finding = self._finding(promise.id, "skip", summary)
        elif tried.problem is None:
            finding = self._finding(promise.id, "ok", f"{what}{promise.summary}")
        elif first != promise.id:
            said = tried.problem.splitlines()[0]
            summary = f"{what}{promise.summary}: not checked, {said}, as of {first}"
            finding = self._finding(promise.id, "skip", summary)
        else:
            said, *more = tried.problem.splitlines()
            # A line of the plugin's, or a sentence that says what to do, tells more than what is most often to blame.
            is_told = bool(tried.evidence) or any(f": {do} " in said for do in ("add", "give", "call"))
            cause = None if is_told else CAUSES.get(promise.id)
            finding = self._finding(
                promise.id,
                "error",
                f"{what}{promise.summary}; but {said}",
                evidence=tuple(self._examination.shown(each) for each in (*more, *tried.evidence)),
                fix=f"{f'Most often it is {cause}. ' if cause else ''}To see it alone: envkit plugin check {self._target(entry)} --only {promise.id.partition('.')[2]}",
            )
        return self._told(promise.id, [finding], tried.seconds, group=promise.group)

    def _target(self, entry: AnyEntry) -> str:
        return entry.plugin if self._subject.source == "installed" else self._subject.location

    def _chosen(self, suite: str) -> list[Promise]:
        return [
            each for each in promises() if each.suite == suite and self._wanted.wants(each.id, each.group)
        ]

    def _contract_of(self, entry: AnyEntry) -> str:
        return f"{entry.entry_point.module.partition('.')[0]}.contract"

    def _finding(
        self,
        check_id: str,
        severity: Severity,
        summary: str,
        *,
        evidence: tuple[str, ...] = (),
        fix: str | None = None,
    ) -> Finding:
        return Finding(
            id=check_id,
            severity=severity,
            summary=self._examination.reworded(summary),
            evidence=tuple(map(self._examination.reworded, evidence)),
            fix=fix,
            plugin=self._subject.name,
        )

    def _told(
        self, check_id: str, findings: list[Finding], seconds: float, *, group: str = GROUP
    ) -> CheckResult:
        result = CheckResult(id=check_id, group=group, findings=tuple(findings), seconds=round(seconds, 3))
        self._progress.end(result)
        return result
