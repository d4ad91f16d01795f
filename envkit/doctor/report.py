"""What ``envkit doctor`` has to say in the end, as one record."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, get_args

import msgspec

from envkit.api.checks import Finding, Severity
from envkit.api.facts import MachineFacts
from envkit.doctor.fixes import FixOutcome
from envkit.doctor.runner import Unmade
from envkit.torchbuild import TorchBuild

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

Verdict = Literal["well", "warnings", "errors"]
# From the best to the worst; of a group, the worst is shown.
SEVERITIES: tuple[Severity, ...] = ("ok", "info", "skip", "crash", "warn", "error")


class CheckReport(msgspec.Struct, frozen=True, kw_only=True):
    """A check that was run, and what it found: at least one finding. ``plugin`` is empty for envkit's own."""

    id: str
    summary: str
    findings: tuple[Finding, ...]
    plugin: str = ""


class Counts(msgspec.Struct, frozen=True, kw_only=True):
    """How many findings there are of each severity; ``unmade`` are those skips whose facts could not be read."""

    ok: int = 0
    info: int = 0
    warn: int = 0
    error: int = 0
    skip: int = 0
    crash: int = 0
    unmade: int = 0


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What the doctor has seen.

    ``torch`` is None where no build fits, and ``problem`` says why. ``verdict`` is ``errors`` where there are
    errors, ``warnings`` where there are warnings or checks that crashed or could not be made, else ``well``. ``fixes`` are the commands
    that ``--fix`` has run or would run; ``is_elsewhere`` tells that the facts are those of another machine.
    """

    facts: MachineFacts
    torch: TorchBuild | None
    problem: str | None
    hint: str | None
    checks: tuple[CheckReport, ...]
    counts: Counts
    verdict: Verdict
    is_elsewhere: bool = False
    fixes: tuple[FixOutcome, ...] = ()


def count(findings: Iterable[Finding]) -> Counts:
    """Return how many there are of each severity."""
    numbers = dict.fromkeys((*get_args(Severity), "unmade"), 0)
    for finding in findings:
        numbers[finding.severity] += 1
        numbers["unmade"] += isinstance(finding, Unmade)
    return Counts(**numbers)


def verdict_of(counts: Counts) -> Verdict:
    """Return what it comes to. A check that crashed or could not be made is no error of the machine, and not nothing."""
    if counts.error:
        return "errors"
    return "warnings" if counts.warn or counts.crash or counts.unmade else "well"


def exit_code(verdict: Verdict, *, is_strict: bool) -> int:
    """Return 1 for errors, with ``is_strict`` for warnings too, else 0."""
    return int(verdict == "errors" or (is_strict and verdict == "warnings"))


def worst(findings: Sequence[Finding]) -> Severity:
    """Return the worst severity among findings."""
    return max((finding.severity for finding in findings), key=SEVERITIES.index, default="ok")
