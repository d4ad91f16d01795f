"""Use a saved model: a worker in its environment, without a run folder, that writes where it is told to."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Literal

import msgspec

from envkit.api import EnvError, UsageError
from envkit.api.events import AnyEvent, Done, EventSplitter, Failed, Hello
from envkit.api.records import ErrorRecord
from envkit.runs.interrupts import Interrupts
from envkit.runs.launch import Worker, worker_environ
from envkit.runs.log import screen_lines
from envkit.worker.use_request import reads_standard_input

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from envkit.worker.use_request import AnyUse

_EXIT_SECONDS = 10.0  # for a worker to end after its last event, or after its pipe has ended
_POLL_SECONDS = 0.1  # where a process of the plugin's holds the pipe open
_LOG_LINES = 20
_LOG_BYTES = 256 * 1024


@dataclass(frozen=True, kw_only=True)
class UseEnd:
    """How a use ended: ``unread`` where the reader of the output has left, ``stopped`` by the user.

    ``error`` is set where it failed; its traceback is a plugin's, or the end of what a crashed worker printed.
    """

    status: Literal["finished", "unread", "stopped", "failed"]
    error: ErrorRecord | None = None


class _Reading(Worker):
    """A worker that has nothing to save: it is stopped by being killed."""

    def ask_to_stop(self) -> None:
        """End it at once."""
        self.kill()


def use_model(
    request: AnyUse,
    *,
    results: int,
    on_event: Callable[[AnyEvent], None],
    predictions: int | None = None,
    inherited: Sequence[int] = (),
    environ: Mapping[str, str] = os.environ,
) -> UseEnd:
    """Start a worker that does what is asked, hand on its events, and return how it ended.

    ``results`` and ``predictions`` are open files that it writes to, none of them a standard one; standard
    input is passed on where the request names it. What it and its libraries print is kept aside, and shown at
    the end of a crash only. While it works, SIGINT (Ctrl-C), SIGTERM and SIGHUP end it. Nothing of its
    process group is left. Call it in the main thread.
    Raises: EnvError where the interpreter does not start, UsageError for text that is not UTF-8.
    """
    content = _encode(request)
    last: Done | Failed | None = None
    has_begun = False
    with ExitStack() as stack, Interrupts() as interrupts:
        log = stack.enter_context(tempfile.TemporaryFile())
        asked = stack.enter_context(tempfile.TemporaryFile())
        asked.write(content)
        asked.seek(0)
        events, theirs = os.pipe()
        stack.callback(os.close, events)
        their_end, life_line = os.pipe()
        stack.callback(os.close, life_line)  # as long as it is open, the worker may live
        files = {"request": asked.fileno(), "results": results, "events": theirs, "life-line": their_end}
        files |= {} if predictions is None else {"predictions": predictions}
        try:
            worker = _start(request, files, log=log, inherited=inherited, environ=environ)
        finally:
            os.close(theirs)
            os.close(their_end)
        try:
            interrupts.watch_over(worker)
            for event in _events(worker, events):
                has_begun = has_begun or isinstance(event, Hello)
                if isinstance(event, Done | Failed):
                    last = event
                else:
                    on_event(event)
        finally:
            code = worker.clear()
        if last is not None:
            return _end(last)
        if interrupts.count:
            return UseEnd(status="stopped")
        return UseEnd(status="failed", error=_describe_death(code, log, has_begun=has_begun))


def _encode(request: AnyUse) -> bytes:
    try:
        return msgspec.json.encode(request)
    except UnicodeEncodeError as error:
        raise UsageError(
            f"{error.object!r} is not UTF-8", hint="Give it as UTF-8; a file may be renamed"
        ) from error


def _start(
    request: AnyUse,
    files: Mapping[str, int],
    *,
    log: IO[bytes],
    inherited: Sequence[int],
    environ: Mapping[str, str],
) -> Worker:
    environment = request.environment
    isolation = (
        "-P" if environment.kind == "current" else "-I"
    )  # as worker_command has it, and for its reasons
    numbers = [word for name, number in files.items() for word in (f"--{name}", str(number))]
    command = [environment.python, isolation, "-u", "-m", "envkit.worker.use", "--host", str(os.getpid())]
    try:
        process = subprocess.Popen(
            [*command, *numbers],
            # Only where it is read: in a shell's loop over lines it holds those to come.
            stdin=None if reads_standard_input(request) else subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            env=worker_environ(environ, kind=environment.kind),
            pass_fds=[*files.values(), *inherited],
            start_new_session=True,  # Ctrl-C in the terminal reaches the host alone
        )
    except OSError as error:
        raise EnvError(
            f"the interpreter of the environment {environment.name} does not start: "
            f"{environment.python}: {error.strerror}",
            hint="To see the environments: envkit env list",
        ) from error
    return _Reading(process)


def _events(worker: Worker, pipe: int) -> Iterator[AnyEvent]:
    """Yield the worker's events until it has ended, or has not although it said its last word."""
    splitter = EventSplitter()
    overdue: float | None = None
    while overdue is None or time.monotonic() < overdue:
        lives = worker.is_alive()  # asked before reading: what it wrote last is then read below
        ready, _, _ = select.select([pipe], [], [], _POLL_SECONDS if lives else 0)
        chunk = os.read(pipe, 65536) if ready else b""
        for event in splitter.feed(chunk):
            yield event
            if isinstance(event, Done | Failed):
                overdue = time.monotonic() + _EXIT_SECONDS
        if ready and not chunk:  # the pipe has ended, and so will the worker
            _wait_for(worker)
            return
        if not lives and not ready:
            return


def _wait_for(worker: Worker) -> None:
    deadline = time.monotonic() + _EXIT_SECONDS
    while worker.is_alive() and time.monotonic() < deadline:
        time.sleep(0.002)


def _end(last: Done | Failed) -> UseEnd:
    if isinstance(last, Done):
        return UseEnd(status="finished" if last.status == "finished" else "unread")
    error = ErrorRecord(
        message=last.message,
        exit_code=last.exit_code,
        hint=last.hint,
        traceback=last.traceback,
        plugin=last.plugin,
    )
    return UseEnd(status="failed", error=error)


def _describe_death(code: int, log: IO[bytes], *, has_begun: bool) -> ErrorRecord:
    """Return what is known of a worker that ended without a last event: its traceback is what it printed."""
    hint = "Its last words stand above"
    if code >= 0:
        message = f"the process with the model ended with exit code {code} before it was done"
    else:
        name = signal.Signals(-code).name if -code in set(signal.Signals) else f"signal {-code}"
        message = f"the process with the model was killed by {name}"
        if -code == signal.SIGKILL:
            message += ", most likely by the system because memory ran out"
            hint = "End what else uses the memory, or use a smaller model"
    if not has_begun:
        message = f"the process for the model did not start (exit code {code})"
        hint = "Use another environment, or let one be found or made: --env auto"
    printed = _tail(log)
    if not printed and hint.startswith("Its last words"):
        hint = "It printed nothing; to see what is wrong with the machine: envkit doctor"
    return ErrorRecord(message=message, exit_code=1, hint=hint, traceback="\n".join(printed) or None)


def _tail(log: IO[bytes]) -> list[str]:
    log.seek(max(0, log.seek(0, os.SEEK_END) - _LOG_BYTES))
    return screen_lines(log.read().decode("utf-8", "replace"))[-_LOG_LINES:]
