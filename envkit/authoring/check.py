"""Check a plugin as its users will meet it: metadata, names, code, options, hooks, and what its task promises."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec.structs import replace

from envkit.api import EnvError, UsageError
from envkit.api.checks import Finding
from envkit.authoring.build_failures import explain_build
from envkit.authoring.check_build import build_wheel
from envkit.authoring.check_catalog import CHECKS, Examination
from envkit.authoring.check_progress import Silence
from envkit.authoring.check_promises import BUILDS, CONTRACT, ENVIRONMENT, PromiseChecks
from envkit.authoring.check_report import CheckedEntry, CheckResult, PluginReport, Wanted, check_names
from envkit.authoring.check_subject import open_subject
from envkit.authoring.check_suites import promises
from envkit.authoring.contract_run import CHECK_SECONDS
from envkit.config import read_layers, resolve_settings
from envkit.doctor.report import count, verdict_of
from envkit.registry import describe

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from envkit.authoring.check_catalog import PluginCheck
    from envkit.authoring.check_progress import CheckProgress
    from envkit.authoring.check_subject import Subject
    from envkit.config import Settings

_LOADS = "check.loads"

_FIXED = ((BUILDS, "metadata"), (CONTRACT, "contract"), (ENVIRONMENT, "contract"))


def known_checks() -> list[tuple[str, str, str]]:
    """Return id, group and promise of every check, in the order in which they are run."""
    fixed = {
        BUILDS: "its own backend builds a wheel",
        CONTRACT: "it says what it is checked with",
        ENVIRONMENT: "there is an environment for its task",
    }
    own = [(check.id, check.group, check.summary) for check in CHECKS]
    tried = [(promise.id, promise.group, promise.summary) for promise in promises()]
    head, *tail = [(check_id, group, fixed[check_id]) for check_id, group in _FIXED]
    return [head, *own, *tail, *tried]


def check_plugin(
    target: str | Path | None = None,
    *,
    wanted: Wanted = Wanted(),  # noqa: B008  # frozen
    env: str = "auto",
    has_contract: bool = True,
    seconds: float = CHECK_SECONDS,
    settings: Settings | None = None,
    progress: CheckProgress | None = None,
    environ: Mapping[str, str] = os.environ,
) -> PluginReport:
    """Check an installed plugin by its name, a wheel, or the source folder of one (None: the working folder).

    Nothing is installed where envkit itself is: a source is built and put on the path of other processes. ``env`` is
    where the contract is run: ``auto``, ``current`` or a name, as for a run; ``seconds`` is what each promise may take.
    What is wrong with the plugin is in the report. Raises: UsageError for a target, a check or an environment that
    there is not.
    """
    check_names(wanted, [(check_id, group) for check_id, group, _ in known_checks()])
    if env.startswith("docker:"):
        raise UsageError(
            "a contract is tried in an environment of this machine, not in a container",
            hint="Give --env auto, --env current or a name from: envkit env list",
        )
    settings = settings or resolve_settings(read_layers(Path.cwd()))
    course = _Course(
        str(target or "."), wanted=wanted, has_contract=has_contract, progress=progress or Silence()
    )
    with ExitStack() as stack:
        folder = Path(tempfile.mkdtemp(prefix="envkit-check-"))
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        try:
            course.run(folder, env=env, seconds=seconds, settings=settings, environ=environ)
        except KeyboardInterrupt:  # what was found until then is worth minutes of the user's
            return course.report(is_stopped=True)
        return course.report()


class _Course:
    """A check under way: what it has found is there whenever it ends."""

    def __init__(self, target: str, *, wanted: Wanted, has_contract: bool, progress: CheckProgress) -> None:
        self._target = target
        self._wanted = wanted
        self._has_contract = has_contract
        self._progress = progress
        self._results: list[CheckResult] = []
        self._subject: Subject | None = None
        self._tried: PromiseChecks | None = None

    def run(
        self,
        folder: Path,
        *,
        env: str,
        seconds: float,
        settings: Settings,
        environ: Mapping[str, str],
    ) -> None:
        """Make all checks; ``folder`` is for their files. Raises: UsageError where there is nothing to check."""

        def build(source: Path, place: Path) -> Path:
            self._progress.begin(BUILDS)
            self._progress.step(f"Building {source.name}")
            return build_wheel(source, place, settings=settings, progress=self._progress, environ=environ)

        began = time.monotonic()
        try:
            subject = open_subject(self._target, folder=folder / "subject", build=build)
        except EnvError as error:
            found = explain_build(error, Path(self._target).expanduser())
            self._add(_result(BUILDS, "metadata", found, time.monotonic() - began))
            return
        self._subject = subject
        if subject.source == "folder" and self._wanted.wants(BUILDS, "metadata"):
            well = Finding(
                severity="ok", id=BUILDS, summary="its own backend builds a wheel", plugin=subject.name
            )
            self._add(_result(BUILDS, "metadata", [well], time.monotonic() - began))
        examination = Examination(subject)
        self._tried = PromiseChecks(
            examination,
            wanted=self._wanted,
            has_contract=self._has_contract,
            env=env,
            folder=folder / "contract",
            seconds=seconds,
            settings=settings,
            progress=self._progress,
            environ=environ,
        )
        for check in self._light_checks(subject):
            self._progress.begin(check.id)
            began = time.monotonic()
            findings = _run(check, examination)
            self._add(_result(check.id, check.group, findings, time.monotonic() - began))
        for result in self._tried.run():
            self._results.append(result)
        if self._is_blind(examination):
            self._add(_result(_LOADS, "code", [_not_checked(examination)], 0.0))

    def report(self, *, is_stopped: bool = False) -> PluginReport:
        """Return what was found so far; where the user has stopped it, with what was left."""
        subject, results = self._subject, tuple(self._results)
        counts = count(finding for result in results for finding in result.findings)
        return PluginReport(
            plugin=Path(self._target).resolve().name if subject is None else subject.name,
            version="" if subject is None else subject.version,
            source="folder" if subject is None else subject.source,
            location=self._target if subject is None else subject.location,
            entries=tuple(
                CheckedEntry(kind=entry.kind, name=entry.name, module=entry.entry_point.value)
                for entry in (() if subject is None else subject.entries)
            ),
            environment=None if self._tried is None else self._tried.environment,
            checks=results,
            counts=counts,
            verdict=verdict_of(counts),
            is_stopped=is_stopped,
            not_reached=tuple(dict.fromkeys(self._left())) if is_stopped else (),
        )

    def _left(self) -> Iterator[str]:
        """Yield the ids of what is still to be done; before a source is built, of all that there may be."""
        if self._subject is None or self._tried is None:
            for check_id, group, _ in known_checks():
                if self._wanted.wants(check_id, group) and (self._has_contract or group != "contract"):
                    yield check_id
            return
        done = {result.id for result in self._results}
        yield from (check.id for check in self._light_checks(self._subject) if check.id not in done)
        yield from self._tried.left()

    def _light_checks(self, subject: Subject) -> list[PluginCheck]:
        """Return those that need no environment."""
        kinds = {entry.kind for entry in subject.entries}
        return [
            check for check in CHECKS if self._wanted.wants(check.id, check.group) and _applies(check, kinds)
        ]

    def _is_blind(self, examination: Examination) -> bool:
        """Tell whether nothing could be looked at of what was asked for."""
        looks = [look for _, look in examination.looks_so_far]
        is_shut = any(look.problem is not None or look.refusal is not None for look in looks)
        return not self._results or (
            is_shut and all(finding.severity == "skip" for each in self._results for finding in each.findings)
        )

    def _add(self, result: CheckResult) -> None:
        self._results.append(result)
        self._progress.end(result)


def _applies(check: PluginCheck, kinds: set[str]) -> bool:
    """Tell whether a check has anything to look at in a plugin that supplies these kinds."""
    if check.group == "extension":
        return "extension" in kinds
    if check.group == "options" or check.id in ("check.train-extra", "check.task-name", "check.name-taken"):
        return "task" in kinds
    if check.id in ("check.missing-hooks", "check.optional-hooks"):
        return "task" in kinds
    return True


def _run(check: PluginCheck, examination: Examination) -> list[Finding]:
    try:
        found = list(check.run(examination))
    except Exception as error:  # noqa: BLE001 - metadata and code of others; the other checks are still of interest
        found = [Finding(severity="crash", summary=f"this check failed: {describe(error)}")]
    found = found or [Finding(severity="ok", summary=check.summary)]
    return [
        replace(
            finding,
            id=check.id,
            plugin=examination.subject.name,
            summary=examination.reworded(finding.summary),
            evidence=tuple(map(examination.reworded, finding.evidence)),
        )
        for finding in found
    ]


def _result(check_id: str, group: str, findings: Iterable[Finding], seconds: float) -> CheckResult:
    return CheckResult(id=check_id, group=group, findings=tuple(findings), seconds=round(seconds, 3))


def _not_checked(examination: Examination) -> Finding:
    shut = [(look.problem or look.refusal or "", look.place) for _, look in examination.looks]
    why, place = next((each for each in shut if each[0]), ("it has none of what was asked for", ""))
    return Finding(
        id=_LOADS,
        severity="error",
        summary=f"nothing was checked: {why}",
        evidence=(examination.shown(place),) if place else (),
        fix="To see all that is wrong, without --only and --skip: envkit plugin check",
        plugin=examination.subject.name,
    )
