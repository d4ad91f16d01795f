"""The commands that mend what was found: those that findings call safe, each run once."""

from __future__ import annotations

import os
import shlex
from typing import TYPE_CHECKING, Literal

import msgspec

from envkit.machine.process import RunProcess, run_process

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from envkit.api.checks import Finding

# Emptying a cache of many gigabytes takes its time; nobody waits for ever.
FIX_SECONDS = 600.0
_LAST_LINES = 5


class SafeFix(msgspec.Struct, frozen=True, kw_only=True):
    """A command as a list of words, and the findings that it mends."""

    cmd: tuple[str, ...]
    ids: tuple[str, ...]
    summary: str
    plugin: str = ""

    @property
    def text(self) -> str:
        """Return the command as it is pasted into a shell."""
        return shlex.join(self.cmd)


class FixOutcome(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a command: ``shown`` where it was only to be shown; ``output`` is what a failed one said last."""

    cmd: tuple[str, ...]
    ids: tuple[str, ...]
    state: Literal["done", "failed", "declined", "shown"]
    output: str = ""


def find_safe_fixes(findings: Iterable[Finding]) -> tuple[SafeFix, ...]:
    """Return the safe commands in the order of the findings, one that mends several once."""
    found: dict[tuple[str, ...], SafeFix] = {}
    for finding in findings:
        if not finding.safe_fix or finding.severity == "ok":
            continue
        cmd = finding.safe_fix
        if cmd in found:
            ids = dict.fromkeys((*found[cmd].ids, finding.id))
            found[cmd] = msgspec.structs.replace(found[cmd], ids=tuple(ids))
        else:
            found[cmd] = SafeFix(cmd=cmd, ids=(finding.id,), summary=finding.summary, plugin=finding.plugin)
    return tuple(found.values())


def apply_fix(
    fix: SafeFix,
    *,
    environ: Mapping[str, str] = os.environ,
    run_process: RunProcess = run_process,
    timeout: float = FIX_SECONDS,
) -> FixOutcome:
    """Run the command and return how it ended; what keeps it from starting is an outcome too."""
    try:
        done = run_process(fix.cmd, environ=environ, timeout=timeout)
    except OSError as error:
        return FixOutcome(cmd=fix.cmd, ids=fix.ids, state="failed", output=error.strerror or str(error))
    if done.status == 0:
        return FixOutcome(cmd=fix.cmd, ids=fix.ids, state="done")
    said = [line for line in (done.err + done.out).splitlines() if line.strip()][-_LAST_LINES:]
    why = f"no end in {timeout:.0f} s" if done.status is None else f"status {done.status}"
    return FixOutcome(cmd=fix.cmd, ids=fix.ids, state="failed", output="\n".join([why, *said]))


def shown(fix: SafeFix, *, is_declined: bool = False) -> FixOutcome:
    """Return the outcome of a command that was not run."""
    return FixOutcome(cmd=fix.cmd, ids=fix.ids, state="declined" if is_declined else "shown")
