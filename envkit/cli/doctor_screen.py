"""The screen of ``envkit doctor``: the machine in a few lines, groups of findings, and what it comes to.

It does without rich, whose import would take a fifth of the command's time, and looks as if it did not.
"""

from __future__ import annotations

import os
import shutil
import sys
import textwrap
from typing import TYPE_CHECKING

import click

from envkit.cli.doctor_head import head_pairs
from envkit.cli.exits import labelled
from envkit.cli.printable import printable, printable_lines
from envkit.cli.severities import COLOURS, INDENT, MARK_WIDTH, bad_in_words, checks_in_words
from envkit.doctor.extension import ForeignCheck
from envkit.doctor.fixes import find_safe_fixes
from envkit.doctor.report import worst
from envkit.doctor.selection import SUBJECTS, subject_of

if TYPE_CHECKING:
    from envkit.api.checks import Check, Finding, Severity
    from envkit.cli.doctor_look import Examination
    from envkit.doctor.report import Counts, Report

_ERASE = "\r\x1b[K"


class Screen:
    """Prints what has been found group by group: one line where all is well, unless everything is wanted."""

    def __init__(self, *, is_verbose: bool) -> None:
        is_terminal = sys.stdout.isatty()
        is_dumb = os.environ.get("TERM") in ("dumb", "unknown")
        self._width = shutil.get_terminal_size().columns if is_terminal else None
        self._is_live = is_terminal and sys.stderr.isatty() and not is_dumb
        self._is_coloured = is_terminal and not is_dumb and not os.environ.get("NO_COLOR")
        self._is_verbose = is_verbose
        self._title = ""
        self._group: list[tuple[Check, tuple[Finding, ...]]] = []

    def show_head(self, examination: Examination) -> None:
        """Print the machine and the torch build that fits it."""
        self._wait("the machine")
        pairs = head_pairs(examination.head, examination.choice)
        self._erase()
        width = max(len(name) for name, _ in pairs) + 2
        for name, value in pairs:
            text = _wrapped(name.ljust(width), value, self._width)
            self._print(self._styled(name, bold=True) + text[len(name) :])
        self._print("")

    def wait_for(self, check: Check) -> None:
        """Tell, where somebody watches, what is being waited for; the group before it is whole now."""
        if (title := title_of(check)) != self._title:
            self._flush()
            self._title = title
            self._wait(title)

    def add(self, check: Check, findings: tuple[Finding, ...]) -> None:
        """Take what a check has found."""
        if title_of(check) != self._title:
            self.wait_for(check)
        self._group.append((check, findings))

    def finish(self, report: Report, *, is_fix: bool) -> None:
        """Print the last group, and what it all comes to."""
        self._flush()
        findings = [finding for check in report.checks for finding in check.findings]
        fixable = 0 if is_fix else len(find_safe_fixes(findings))
        self._print("")
        self._print(last_line(report.counts, checks=len(report.checks)))
        if fixable:
            what = "One of these is" if fixable == 1 else f"{fixable} of these are"
            self._print(f"{what} safe to mend at once: envkit doctor --fix")
        elif not self._is_verbose and report.verdict != "well":
            self._print("What each rests on: envkit doctor -v")

    def _flush(self) -> None:
        """Print the group that is whole."""
        self._erase()
        group, self._group = self._group, []
        if not group:
            return
        findings = [finding for _, found in group for finding in found]
        self._print_line(worst(findings), self._title)
        if self._is_verbose:
            for finding in findings:
                self._print_finding(finding)
            return
        for summary, skipped in _skipped(findings).items():
            self._print_body(f"{_several(skipped)}: {summary}")
        for finding in findings:
            if finding.severity not in ("ok", "skip"):
                self._print_finding(finding)

    def _print_finding(self, finding: Finding) -> None:
        self._print_line(finding.severity, f"  {finding.id}: {finding.summary}")
        if self._is_verbose:
            for line in finding.evidence:
                self._print_body(f"  {line}")
        if finding.fix and finding.severity != "ok":
            fix = "\n".join(line.lstrip() for line in printable_lines(finding.fix).split("\n"))
            self._print(labelled(f"{INDENT}fix: ", fix, width=self._width))
        if self._is_verbose and finding.link and finding.severity not in ("ok", "skip"):
            self._print_body(f"  see {finding.link}")

    def _print_line(self, severity: Severity, text: str) -> None:
        mark = severity.ljust(MARK_WIDTH)
        inner = text.lstrip()
        label = mark + text[: len(text) - len(inner)]
        line = _wrapped(label, inner, self._width)
        styled = self._styled(severity, fg=COLOURS[severity], bold=severity == "error")
        self._print(styled + line[len(severity) :])

    def _print_body(self, text: str) -> None:
        inner = text.lstrip()
        label = INDENT + text[: len(text) - len(inner)]
        self._print(_wrapped(label, inner, self._width))

    def _styled(self, text: str, *, fg: str | None = None, bold: bool = False) -> str:
        return click.style(text, fg=fg, bold=bold or None) if self._is_coloured else text

    def _print(self, text: str) -> None:
        click.echo(text, color=self._is_coloured)

    def _wait(self, what: str) -> None:
        if self._is_live:
            sys.stderr.write(f"{_ERASE}looking at {printable(what)}")
            sys.stderr.flush()

    def _erase(self) -> None:
        if self._is_live:
            sys.stderr.write(_ERASE)
            sys.stderr.flush()


def title_of(check: Check) -> str:
    """Return the name of the group that a check belongs to."""
    subject = subject_of(check.id)
    title = SUBJECTS.get(subject, subject)
    return f"{title} ({check.plugin})" if isinstance(check, ForeignCheck) else title


def last_line(counts: Counts, *, checks: int) -> str:
    """Return in one line what all checks come to."""
    bad, looked = bad_in_words(counts), checks_in_words(checks)
    skips = counts.skip - counts.unmade
    skipped = f", {skips} skipped" if skips else ""
    if not checks:
        return "No check was made."
    if not bad:
        return f"All well: {looked}{skipped}."
    return f"{bad} in {looked}{skipped}."


def _skipped(findings: list[Finding]) -> dict[str, list[str]]:
    """Return the ids of skipped checks by the reason."""
    reasons: dict[str, list[str]] = {}
    for finding in findings:
        if finding.severity == "skip":
            reasons.setdefault(finding.summary, []).append(finding.id)
    return reasons


def _several(ids: list[str]) -> str:
    return ids[0] if len(ids) == 1 else f"{ids[0]} and {len(ids) - 1} more"


def _wrapped(label: str, text: str, width: int | None) -> str:
    """Return a text behind its label, wrapped at words where there is a width; a word is never cut."""
    label, text = printable(label), printable(text)
    if width is None:
        return label + text
    return textwrap.fill(
        text,
        width,
        initial_indent=label,
        subsequent_indent=" " * len(label),
        break_long_words=False,
        break_on_hyphens=False,
    )
