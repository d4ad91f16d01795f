"""Start a worker, watch its process, and see to it that nothing of it stays."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from envkit.api import EnvError
from envkit.runs.leftovers import wait_for_members

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from envkit.api.records import EnvironmentUse
    from envkit.worker.folder import RunFolder

# A process that is killed is gone in milliseconds. In a container whose first process never reaps, it stays
# listed for ever, which nobody should wait for.
_GONE_SECONDS = 0.5


@dataclass(frozen=True, kw_only=True)
class Death:
    """What ended a worker, where somebody knows more than its exit code says."""

    message: str
    hint: str
    exit_code: int


class RunningWorker(Protocol):
    """A worker at work, wherever it runs; all but ``clear`` may be called while a signal is handled."""

    def is_alive(self) -> bool:
        """Tell whether it runs."""

    def ask_to_stop(self) -> None:
        """Ask the loop to stop at its next step."""

    def kill(self) -> None:
        """End the worker and every process that it started at once."""

    def clear(self) -> int:
        """See to it that nothing of it is left, and return its exit code, that of a signal negative."""

    def cause(self) -> Death | None:
        """Return what is known of the end of a cleared worker; None where its code and its records say it all."""

    def left_behind(self) -> tuple[str, ...]:
        """Return the names of the processes that one which has ended, and is not yet cleared, left running."""


class StartWorker(Protocol):
    """Start the worker of a run where its environment is. Raises: EnvError, ImageError."""

    def __call__(
        self,
        folder: RunFolder,
        *,
        environment: EnvironmentUse,
        grace: float,
        resume: bool,
        force: bool,
        environ: Mapping[str, str],
        inherited: Sequence[int],
    ) -> RunningWorker:
        """Start it; ``environ`` are the host's variables, ``inherited`` files that it keeps open."""


def worker_command(
    folder: RunFolder,
    *,
    environment: EnvironmentUse,
    host: int,
    grace: float,
    resume: bool = False,
    force: bool = False,
    log: Path | None = None,
) -> list[str]:
    """Return the command line of a worker whose host is the process ``host``; it prints to ``log``, if given."""
    # -I leaves out whatever PYTHON* variables, the user's site folder and the current folder would bring into
    # an environment that was chosen to the last wheel. The user's own interpreter keeps what it has but the
    # current folder (-P), where a file named like a module would be imported in its place. -u: -I also drops
    # PYTHONUNBUFFERED, and a worker that is killed should not take its last words along.
    isolation = "-P" if environment.kind == "current" else "-I"
    return [
        environment.python,
        isolation,
        "-u",
        *("-m", "envkit.worker"),
        *("--host", str(host)),
        *("--grace", f"{grace:g}"),
        *(["--log", str(log)] if log is not None else []),
        *(["--resume"] if resume else []),
        *(["--force"] if force else []),
        str(folder.path),
    ]


def worker_environ(environ: Mapping[str, str], *, kind: str) -> dict[str, str]:
    """Return a worker's environment variables: the host's, less what would slow it or lead it astray."""
    # Without bytecode every start compiles torch and transformers again: seconds.
    dropped = {"PYTHONDONTWRITEBYTECODE"}
    if kind != "current":
        dropped |= {"PYTHONPATH", "PYTHONHOME"}  # -I protects the worker; this, the processes that it starts
    return {name: value for name, value in environ.items() if name not in dropped} | {"PYTHONUNBUFFERED": "1"}


class Worker:
    """A worker's process, leader of a session and group of its own."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process
        self._is_clear = False  # its id may be another's by now

    @property
    def pid(self) -> int:
        """Return the process id, which is the group's too."""
        return self._process.pid

    def is_alive(self) -> bool:
        """Tell whether it runs. One that has ended stays unreaped, so that its id stays its own."""
        if self._is_clear:
            return False
        if not hasattr(os, "waitid"):  # macOS before Python 3.13
            return self._process.poll() is None
        try:
            return os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None
        except ChildProcessError:  # this process was started with SIGCHLD ignored
            return False

    def ask_to_stop(self) -> None:
        """Ask the loop to stop at its next step."""
        if self.is_alive():
            os.kill(self.pid, signal.SIGTERM)  # Popen's own way would reap it

    def kill(self) -> None:
        """End the worker and every process of its group at once."""
        if not self._is_clear:
            # macOS answers EPERM for a group in which only the unreaped leader is left.
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, signal.SIGKILL)

    def clear(self) -> int:
        """Kill what is left of the group, and return how the worker itself ended, as ``Popen`` says it."""
        self.kill()
        code = self._process.wait()
        self._is_clear = True
        if self._process.stdin is not None:
            self._process.stdin.close()
        self._wait_for_group()
        return code

    def cause(self) -> Death | None:
        """Return None: a process's code is all that its parent hears."""
        return None

    def left_behind(self) -> tuple[str, ...]:
        """Return the names of the processes of its group that live although it has ended."""
        return () if self._is_clear or self.is_alive() else wait_for_members(self.pid)

    def _wait_for_group(self) -> None:
        """Wait until the killed are gone, and with them their memory, here and on a GPU."""
        deadline = time.monotonic() + _GONE_SECONDS
        with contextlib.suppress(ProcessLookupError, PermissionError):
            while time.monotonic() < deadline:
                os.killpg(self.pid, 0)
                time.sleep(0.01)


def start_worker(
    folder: RunFolder,
    *,
    environment: EnvironmentUse,
    grace: float,
    resume: bool = False,
    force: bool = False,
    environ: Mapping[str, str] = os.environ,
    inherited: Sequence[int] = (),
) -> Worker:
    """Start the worker of this run, or of its resumption; what it prints goes to the log. Raises: EnvError.

    It inherits these open files: a lock among them is held for as long as the worker lives, too.

    Linux ties the worker to the thread that starts it: call this in one that lives as long as the host.
    """
    command = worker_command(
        folder, environment=environment, host=os.getpid(), grace=grace, resume=resume, force=force
    )
    try:
        with folder.log_file.open("ab") as log:
            process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,  # the life line: its end tells the worker that the host has gone
                stdout=log,
                stderr=subprocess.STDOUT,
                env=worker_environ(environ, kind=environment.kind),
                pass_fds=inherited,
                start_new_session=True,  # Ctrl-C in the terminal reaches the host alone
            )
    except OSError as error:
        raise EnvError(
            f"the interpreter of the environment {environment.name} does not start: "
            f"{environment.python}: {error.strerror}",
            hint="To see the environments: envkit env list",
        ) from error
    return Worker(process)
