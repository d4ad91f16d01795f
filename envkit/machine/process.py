"""Run a small program with a time limit that holds, whatever the program does."""

from __future__ import annotations

import contextlib
import os
import signal
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Mapping, Sequence

# What a killed program gets to end. One that waits in a hung driver ends only when the driver lets go.
GRACE_SECONDS = 0.5


@dataclass(frozen=True, kw_only=True)
class ProcessOutput:
    """How a program ended; ``status`` is None where it was killed at its time limit."""

    status: int | None
    out: str
    err: str


class RunProcess(Protocol):
    """Run a program to its end or its time limit, in seconds. Raises: OSError if it cannot start."""

    def __call__(self, cmd: Sequence[str], *, environ: Mapping[str, str], timeout: float) -> ProcessOutput:
        """Return how it ended."""


def run_process(cmd: Sequence[str], *, environ: Mapping[str, str], timeout: float) -> ProcessOutput:
    """Run a program; at ``timeout`` seconds kill it and all that it started. Raises: OSError."""
    import subprocess  # only machines with something to ask pay for it

    process = subprocess.Popen(
        cmd,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=dict(environ),
        start_new_session=True,  # its children die with it, and hold no pipe open
    )
    try:
        out, err = process.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        _kill(process)
        return ProcessOutput(status=None, out="", err="")
    except BaseException:
        _kill(process)
        raise
    return ProcessOutput(
        status=process.returncode, out=out.decode("utf-8", "replace"), err=err.decode("utf-8", "replace")
    )


def _kill(process: subprocess.Popen[bytes]) -> None:
    import subprocess

    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.communicate(timeout=GRACE_SECONDS)
    for pipe in (process.stdout, process.stderr):
        if pipe is not None:
            pipe.close()
