"""Run jobs in a process that uses rattler, and that ends when this one does, however it does.

Importing rattler takes as long as installing a small prefix: who knows early that jobs will come starts the
process then, and imports what else it needs meanwhile. So this module imports little.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import weakref

TYPE_CHECKING = False  # checkers know the name: typing takes a seventh of the time until the process starts
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from typing import IO

    from envkit.api import EnvError
    from envkit.environments.conda.jobs import Bytes, Failed, Installed, Job, Solved, Step

# Without the collector, which finds nothing in so short a life, all is imported in a seventh less time; without
# Python's TLS, which asyncio would import and rattler, having its own, does not use, in a twentieth.
_START = (
    "import gc, sys; gc.disable(); sys.modules['ssl'] = None; "
    "from envkit.environments.conda.child import main; main()"
)
_END_SECONDS = 5.0
# Less than the process itself waits for a job: one that is about to end is given none.
_KEPT_SECONDS = 20.0


class RattlerProcess:
    """A process that imports rattler as soon as it is started, and then does one job after the other."""

    def __init__(self, environ: Mapping[str, str], *, python: str = sys.executable) -> None:
        self.environ = dict(environ)
        self.folder = _folder()
        self._idle_since = time.monotonic()
        self._jobs, theirs = socket.socketpair()
        self._errors = _open_errors()
        try:
            self._process = subprocess.Popen(
                # -P: a module of the working folder must not stand in for one of ours.
                [python, "-P", "-c", _START],
                env={**environ, "PYTHONUNBUFFERED": "1"},
                stdin=theirs.fileno(),
                stdout=subprocess.PIPE,
                stderr=self._errors,
                # A group of its own: its link scripts can be ended with it, and Ctrl-C is for this one to judge.
                process_group=0,
            )
        except BaseException:
            self._jobs.close()
            self._errors.close()
            raise
        finally:
            theirs.close()
        self.end = weakref.finalize(self, _end, self._process, self._jobs, self._errors)

    @property
    def pid(self) -> int:
        """Return the number by which the system knows it."""
        return self._process.pid

    def is_ready(self, environ: Mapping[str, str]) -> bool:
        """Tell whether a job that needs these variables can be given to it."""
        return (
            self._process.poll() is None
            and time.monotonic() - self._idle_since < _KEPT_SECONDS
            and self.environ == dict(environ)
            and self.folder == _folder()
        )

    def run(
        self,
        job: Job,
        *,
        inherited: Sequence[int] = (),
        on_progress: Callable[[Step | Bytes], None] = lambda said: None,
    ) -> Solved | Installed | Failed:
        """Do a job and return its last answer; the process holds the ``inherited`` files while it does.

        Raises: EnvError where it dies.
        """
        import msgspec

        from envkit.environments.conda.jobs import Answer, Failed, Installed, Solved

        assert self._process.stdout is not None
        try:
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # it died: its status says more
                self._send(msgspec.json.encode(job), inherited)
            while line := self._process.stdout.readline():
                said = msgspec.json.decode(line, type=Answer)
                if isinstance(said, Solved | Installed | Failed):
                    self._idle_since = time.monotonic()
                    return said
                on_progress(said)
            raise self._death(self._process.wait(_END_SECONDS))
        except (msgspec.DecodeError, subprocess.TimeoutExpired) as error:
            from envkit.api import EnvError
            from envkit.owner import install_command

            raise EnvError(
                f"the process that installs conda packages does not speak as it should: {error}",
                hint=f"Try again; if it stays: {install_command('py-rattler', is_anew=True)}",
            ) from error

    def _send(self, message: bytes, files: Sequence[int]) -> None:
        from envkit.environments.conda.jobs import HEADER

        header = HEADER.pack(len(message), len(files))
        if files:
            socket.send_fds(self._jobs, [header], files)
        else:
            self._jobs.sendall(header)
        self._jobs.sendall(message)

    def _death(self, status: int) -> EnvError:
        from envkit.environments.conda.failures import describe_death

        self._errors.seek(0)
        return describe_death(status, self._errors.read().decode("utf-8", "replace"))


class RattlerProcesses:
    """Lends processes, made by ``start``; keeps one for the next job, which then finds rattler imported."""

    def __init__(self, start: Callable[[Mapping[str, str]], RattlerProcess] = RattlerProcess) -> None:
        self._start = start
        self._kept: RattlerProcess | None = None
        self._changes = threading.Lock()

    def start_ahead(self, environ: Mapping[str, str]) -> None:
        """Start a process for a job that will come soon, unless one is kept."""
        # A system that allows no more processes says so when the job comes.
        with self._changes, contextlib.suppress(OSError):
            self._kept = self._kept or self._start(environ)

    @contextlib.contextmanager
    def lend(self, environ: Mapping[str, str], *, keeps: bool) -> Iterator[RattlerProcess]:
        """Lend a process with these variables, and keep it afterwards, or end it.

        It and all that it started are killed when the block is left by an exception such as Ctrl-C's.
        """
        with self._changes:
            process, self._kept = self._kept, None
        if process is not None and not process.is_ready(environ):
            process.end()
            process = None
        process = process or self._start(environ)
        try:
            yield process
        except BaseException:
            process.end()
            raise
        if keeps:
            with self._changes:
                process, self._kept = self._kept, process
        if process is not None:
            process.end()


# Of all backends that are given none of their own.
PROCESSES = RattlerProcesses()


def start_ahead(environ: Mapping[str, str] = os.environ) -> None:
    """Start rattler's process for the conda backend, which will need it soon."""
    PROCESSES.start_ahead(environ)


def _open_errors() -> IO[bytes]:
    """Return a file without a name, for what the process says before it dies."""
    if hasattr(os, "memfd_create"):  # tempfile takes a fifth of the time until the process starts
        with contextlib.suppress(OSError):
            return os.fdopen(os.memfd_create("rattler"), "w+b")
    import tempfile

    return tempfile.TemporaryFile()


def _folder() -> str | None:
    try:
        return os.getcwd()  # noqa: PTH109 - pathlib is not imported yet
    except OSError:  # it was removed
        return None


def _end(process: subprocess.Popen[bytes], jobs: socket.socket, errors: IO[bytes]) -> None:
    jobs.close()
    if process.stdout is not None:
        process.stdout.close()
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    errors.close()
