"""The screen of ``envkit plugin check``: a line a check while it runs, then findings by group, and what it comes to."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Self

import click
import msgspec

from envkit.authoring.check_report import GROUPS, PARTS, PREFIX
from envkit.cli.exits import labelled
from envkit.cli.severities import COLOURS, INDENT, MARK_WIDTH, bad_in_words, checks_in_words
from envkit.doctor.report import worst

if TYPE_CHECKING:
    from collections.abc import Sequence

    from envkit.api.checks import Finding
    from envkit.authoring.check_report import CheckResult, PluginReport

_ID_WIDTH = 28
_ERASE = "\r\x1b[K"
_LONG_SECONDS = 0.95  # from then on a line says how long its check took


class ListedCheck(msgspec.Struct, frozen=True, kw_only=True):
    """A line of ``--list``."""

    id: str
    group: str
    summary: str


def _tell(text: str) -> None:
    # Where nobody reads how it goes, what it comes to is still printed on stdout.
    with contextlib.suppress(OSError):
        click.echo(text, err=True)


class CheckScreen:
    """Tells on stderr what is being done; what lasts is printed in the end, on stdout."""

    def __init__(self) -> None:
        self._is_live = sys.stderr.isatty() and os.environ.get("TERM") not in ("dumb", "unknown")
        self._width = shutil.get_terminal_size().columns
        self._current = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._erase()

    def begin(self, check_id: str) -> None:
        """Show what runs now, where somebody watches."""
        self._current = check_id.removeprefix(PREFIX)
        self._show(f"{'…':<{MARK_WIDTH}}{self._current}")

    def end(self, result: CheckResult) -> None:
        """Leave a line of it."""
        self._erase()
        severity = worst(result.findings)
        took = f"{result.seconds:6.1f} s" if result.seconds >= _LONG_SECONDS else ""
        name = result.id.removeprefix(PREFIX)
        mark = severity.ljust(MARK_WIDTH)
        styled = click.style(mark, fg=COLOURS[severity]) if _is_coloured(sys.stderr) else mark
        _tell(f"{styled}{f'{name:<{_ID_WIDTH}}{took}'.rstrip()}")

    def say(self, text: str) -> None:
        """Show a line that stays."""
        self._erase()
        width = self._width if self._is_live else None
        _tell(labelled("", text, width=width))

    def step(self, text: str) -> None:
        """Show beside the check what is done for it."""
        self._show(f"{'…':<{MARK_WIDTH}}{self._current}: {text}")

    def bytes(self, done: int, total: int | None, what: str) -> None:
        """Show how many bytes are there."""
        whole = f" of {total / 1e6:.0f}" if total else ""
        self.step(f"{done / 1e6:.0f}{whole} MB, {what}")

    def _show(self, text: str) -> None:
        if self._is_live:
            shown = text if len(text) < self._width else text[: self._width - 2] + "…"
            sys.stderr.write(f"{_ERASE}{shown}")
            sys.stderr.flush()

    def _erase(self) -> None:
        if self._is_live:
            sys.stderr.write(_ERASE)
            sys.stderr.flush()


def check_screen() -> CheckScreen:
    """Return the screen for where stderr goes."""
    return CheckScreen()


def print_report(report: PluginReport, *, is_verbose: bool) -> None:
    """Print what was found, by group, with what it rests on and what mends it; the last line says what it comes to."""
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    for group, title in GROUPS.items():
        findings = [f for result in report.checks if result.group == group for f in result.findings]
        shown = [f for f in findings if is_verbose or f.severity != "ok"]
        if not shown:
            continue
        click.echo(f"\n{_styled(title, bold=True)}")
        for finding in shown:
            _print_finding(finding, width=width)
    if report.not_reached:
        names = ", ".join(each.removeprefix(PREFIX) for each in report.not_reached)
        left = names if report.checks else "nothing was looked at yet"
        click.echo(f"\n{_styled('Not reached', bold=True)}\n{labelled('  ', left, width=width)}")
    click.echo(f"\n{labelled('', last_line(report), width=width)}")


def last_line(report: PluginReport) -> str:
    """Return in one line what all checks come to."""
    counts = report.counts
    bad = bad_in_words(counts)
    name = f"{report.plugin} {report.version}".strip()
    looked = checks_in_words(len(report.checks))
    looked += f", {counts.skip} of them could not be made" if counts.skip else ""
    if report.is_stopped:
        found = bad or "nothing wrong found"
        return f"{name}: stopped; {found} in {looked}, {len(report.not_reached)} not reached."
    well = "nothing wrong found" if counts.skip else "all well"
    return f"{name}: {bad} in {looked}." if bad else f"{name}: {well}, {looked}."


def print_list(checks: Sequence[tuple[str, str, str]], *, as_json: bool) -> None:
    """Print all checks with their groups."""
    listed = [ListedCheck(id=check_id, group=group, summary=text) for check_id, group, text in checks]
    if as_json:
        from envkit.cli import envelope

        envelope.write(["plugin", "check"], data=listed)
        return
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    for group, title in GROUPS.items():
        names = ", ".join((group, *PARTS.get(group, ())))
        click.echo(
            f"{'' if group == 'metadata' else chr(10)}{_styled(f'{title} (--only {names})', bold=True)}"
        )
        for each in listed:
            if each.group == group:
                label = f"  {each.id.removeprefix(PREFIX):<{_ID_WIDTH}}"
                click.echo(labelled(label, each.summary, width=width))


def _print_finding(finding: Finding, *, width: int | None) -> None:
    mark = finding.severity.ljust(MARK_WIDTH)
    line = labelled(f"{mark}  ", f"{finding.id}: {finding.summary}", width=width)
    click.echo(_styled(mark, fg=COLOURS[finding.severity]) + line[len(mark) :])
    for text in finding.evidence:
        shown = text.removeprefix(f"{Path.cwd()}{os.sep}")
        click.echo(labelled(f"{INDENT}  ", shown, width=None if os.sep in shown else width))
    if finding.fix and finding.severity != "ok":
        _print_fix(finding.fix, width=width)


def _print_fix(fix: str, *, width: int | None) -> None:
    """Print what mends it; what stands behind a colon is to be copied, and stays in one piece."""
    label = f"{INDENT}fix: "
    head, mark, code = fix.partition(": ")
    if width is None or not mark or len(label) + len(fix) <= width:
        click.echo(labelled(label, fix, width=width))
        return
    click.echo(labelled(label, f"{head}:", width=width))
    click.echo(f"{' ' * len(label)}{code}")


def _styled(text: str, *, fg: str | None = None, bold: bool = False) -> str:
    return click.style(text, fg=fg, bold=bold or None) if _is_coloured(sys.stdout) else text


def _is_coloured(stream: object) -> bool:
    is_terminal = bool(getattr(stream, "isatty", lambda: False)())
    return (
        is_terminal and os.environ.get("TERM") not in ("dumb", "unknown") and not os.environ.get("NO_COLOR")
    )
