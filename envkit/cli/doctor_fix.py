"""``envkit doctor --fix``: show each safe command, ask, run it, and look again at what it mends."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import click
import msgspec

from envkit.api import UsageError
from envkit.cli.doctor_look import Examination
from envkit.cli.doctor_time import limited
from envkit.cli.printable import printable
from envkit.doctor.fixes import FixOutcome, SafeFix, apply_fix, find_safe_fixes, shown
from envkit.doctor.plugin_states import PluginReader
from envkit.doctor.report import Report, count, verdict_of

if TYPE_CHECKING:
    from envkit.api.checks import Finding
    from envkit.cli.doctor_look import Wish


_NOT_SAFE = "There is nothing that is safe to mend without you: the fixes above are yours to run."


def check_can_ask(*, is_yes: bool, as_json: bool) -> None:
    """Check that somebody can be asked. Raises: UsageError."""
    if not is_yes and (as_json or not (sys.stdin.isatty() and sys.stderr.isatty())):
        raise UsageError(
            "--fix asks before each command, and nobody can be asked here",
            hint="See what it would run: envkit doctor --fix --dry-run; run it without asking: --yes",
        )


def mend(report: Report, wish: Wish, *, is_dry: bool, is_yes: bool, as_json: bool) -> Report:
    """Run what is safe and wanted, and return the report with what the checks say after it."""
    fixes = find_safe_fixes(finding for check in report.checks for finding in check.findings)
    say = _quiet if as_json else click.echo
    if not fixes:
        bad = [finding for check in report.checks for finding in check.findings if _is_to_mend(finding)]
        say(f"\n{_NOT_SAFE if bad else 'There is nothing to mend.'}")
        return report
    say("")
    outcomes = tuple(_settle(fix, is_dry=is_dry, is_yes=is_yes, as_json=as_json) for fix in fixes)
    ids = {name for outcome in outcomes if outcome.state in ("done", "failed") for name in outcome.ids}
    report = msgspec.structs.replace(report, fixes=outcomes)
    return _look_again(report, wish, ids=ids, as_json=as_json) if ids else report


def _settle(fix: SafeFix, *, is_dry: bool, is_yes: bool, as_json: bool) -> FixOutcome:
    say = _quiet if as_json else click.echo
    source = f" (from {fix.plugin})" if fix.plugin else ""
    say(printable(f"{', '.join(fix.ids)}{source}: {fix.text}"))
    if is_dry:
        return shown(fix)
    if not is_yes and not click.confirm("  Run it?", err=True):
        return shown(fix, is_declined=True)
    outcome = apply_fix(fix)
    if outcome.state == "failed":
        first, *others = map(printable, outcome.output.splitlines())
        say("\n".join([f"  failed: {first}", *(f"    {line}" for line in others)]))
    return outcome


def _look_again(report: Report, wish: Wish, *, ids: set[str], as_json: bool) -> Report:
    """Run the checks whose findings were mended once more, on facts read anew."""
    plugins = PluginReader()
    plugins.start()
    again = replace(wish, selection=replace(wish.selection, only=tuple(sorted(ids)), skip=()))
    try:
        with limited(as_json=as_json):
            examination = Examination(again, plugins=plugins)
            for _ in examination.results():
                continue
            now = {check.id: check for check in examination.report().checks if check.id in ids}
            facts = examination.facts()
            examination.stop()
    finally:
        plugins.stop()
    checks = tuple(now.get(check.id, check) for check in report.checks)
    counts = count(finding for check in checks for finding in check.findings)
    if not as_json:
        click.echo("\nAfter that:")
        for check in now.values():
            for finding in check.findings:
                click.echo(printable(f"  {finding.severity}  {finding.id}: {finding.summary}"))
    return msgspec.structs.replace(
        report, facts=facts, checks=checks, counts=counts, verdict=verdict_of(counts)
    )


def _is_to_mend(finding: Finding) -> bool:
    return finding.fix is not None and finding.severity != "ok"


def _quiet(text: str) -> None:
    """Say nothing: standard output is for the record alone."""
