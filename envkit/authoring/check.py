"""Check a plugin as its users will meet it: metadata, names, code, options, hooks, and what its task promises."""

from __future__ import annotations

import os
import shlex
import shutil
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from msgspec.structs import replace

from envkit.api import EnvError, UsageError
from envkit.api.checks import Finding
from envkit.authoring.check_build import build_wheel
from envkit.authoring.check_catalog import CHECKS, Examination, promises
from envkit.authoring.check_promises import BUILDS, CONTRACT, ENVIRONMENT, PromiseChecks
from envkit.authoring.check_report import CheckedEntry, CheckResult, PluginReport, Wanted, check_names
from envkit.authoring.check_subject import open_subject
from envkit.authoring.contract_run import CHECK_SECONDS
from envkit.config import read_layers, resolve_settings
from envkit.doctor.report import count, verdict_of
from envkit.registry import describe

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from envkit.authoring.check_catalog import PluginCheck
    from envkit.authoring.check_subject import Subject
    from envkit.config import Settings

_LOADS = "check.loads"

_FIXED = ((BUILDS, "metadata"), (CONTRACT, "contract"), (ENVIRONMENT, "contract"))


class CheckProgress(Protocol):
    """How a check of a plugin tells what happens; beside it, what making an environment tells."""

    def begin(self, check_id: str) -> None:
        """Hear that a check begins."""

    def end(self, result: CheckResult) -> None:
        """Hear what it found."""

    def say(self, text: str) -> None:
        """Tell the user something that stays on the screen."""

    def step(self, text: str) -> None:
        """Say what is being done now; the next step replaces it."""

    def bytes(self, done: int, total: int | None, what: str) -> None:
        """Show beside the step how many bytes of ``what`` are there, of how many if that is known."""


class Silence:
    """Tells nothing."""

    def begin(self, check_id: str) -> None:
        """Hear nothing."""

    def end(self, result: CheckResult) -> None:
        """Hear nothing."""

    def say(self, text: str) -> None:
        """Say nothing."""

    def step(self, text: str) -> None:
        """Say nothing."""

    def bytes(self, done: int, total: int | None, what: str) -> None:
        """Show nothing."""


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
    progress = progress or Silence()
    settings = settings or resolve_settings(read_layers(Path.cwd()))
    with ExitStack() as stack:
        folder = Path(tempfile.mkdtemp(prefix="envkit-check-"))
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        results: list[CheckResult] = []

        def build(source: Path, place: Path) -> Path:
            progress.begin(BUILDS)
            progress.step(f"Building {source.name}")
            return build_wheel(source, place, settings=settings, progress=progress, environ=environ)

        began = time.monotonic()
        try:
            subject = open_subject(target, folder=folder / "subject", build=build)
        except EnvError as error:
            results = [_result(BUILDS, "metadata", [_not_built(error, target)], time.monotonic() - began)]
            progress.end(results[0])
            return _report(None, str(target or "."), results, None)
        if subject.source == "folder" and wanted.wants(BUILDS, "metadata"):
            well = Finding(
                severity="ok", id=BUILDS, summary="its own backend builds a wheel", plugin=subject.name
            )
            results.append(_result(BUILDS, "metadata", [well], time.monotonic() - began))
            progress.end(results[0])
        examination = Examination(subject)
        for result in _look(examination, wanted, progress):
            results.append(result)
        tried = PromiseChecks(
            examination,
            wanted=wanted,
            env=env,
            folder=folder / "contract",
            seconds=seconds,
            settings=settings,
            progress=progress,
            environ=environ,
        )
        results += tried.run(has_contract=has_contract)
        environment = tried.environment
        if not results:
            results = [_result(_LOADS, "code", [_not_checked(examination)], 0.0)]
            progress.end(results[0])
    return _report(subject, str(target or "."), results, environment)


def _not_built(error: EnvError, target: str | Path | None) -> Finding:
    first, *more = error.message.splitlines()
    if more:  # the backend's own last words
        summary, place = "its own backend builds no wheel", shlex.quote(str(target or "."))
        fix: str | None = f"To see all of it: python -m uv build --wheel {place}"
    else:
        summary, fix = f"no wheel could be built: {first}", error.hint
    return Finding(
        severity="error",
        id=BUILDS,
        summary=summary,
        evidence=tuple(line.removeprefix("  ") for line in more),
        fix=fix,
    )


def _look(examination: Examination, wanted: Wanted, progress: CheckProgress) -> Iterator[CheckResult]:
    """Run the checks that need no environment."""
    kinds = {entry.kind for entry in examination.subject.entries}
    for check in CHECKS:
        if not wanted.wants(check.id, check.group) or not _applies(check, kinds):
            continue
        progress.begin(check.id)
        began = time.monotonic()
        findings = _run(check, examination)
        result = _result(check.id, check.group, findings, time.monotonic() - began)
        progress.end(result)
        yield result


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
    why = [said for _, look in examination.looks for said in (look.problem or look.refusal,) if said]
    return Finding(
        id=_LOADS,
        severity="error",
        summary=f"nothing was checked: {why[0] if why else 'it has none of what was asked for'}",
        fix="To see all that is wrong, without --only and --skip: envkit plugin check",
        plugin=examination.subject.name,
    )


def _report(
    subject: Subject | None, target: str, results: list[CheckResult], environment: str | None
) -> PluginReport:
    findings = tuple(finding for result in results for finding in result.findings)
    counts = count(findings)
    entries = () if subject is None else subject.entries
    return PluginReport(
        plugin=Path(target).resolve().name if subject is None else subject.name,
        version="" if subject is None else subject.version,
        source="folder" if subject is None else subject.source,
        location=target if subject is None else subject.location,
        entries=tuple(
            CheckedEntry(kind=entry.kind, name=entry.name, module=entry.entry_point.value)
            for entry in entries
        ),
        environment=environment,
        findings=findings,
        checks=tuple(results),
        counts=counts,
        verdict=verdict_of(counts),
    )
