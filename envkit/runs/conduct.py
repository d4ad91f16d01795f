"""Run a worker from start to end and come back with how the run ended, whatever happens to the worker."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from typing import TYPE_CHECKING

from envkit.api import UsageError
from envkit.api.events import AnyEvent, Done, Failed, Message
from envkit.api.records import ErrorRecord, RunRequest, RunResult
from envkit.runs.follow import EventTail, follow
from envkit.runs.interrupts import Interrupts
from envkit.runs.launch import Worker, start_worker
from envkit.runs.log import log_tail
from envkit.runs.progress import RunProgress
from envkit.worker.failures import hint_for_memory
from envkit.worker.stop import GRACE_SECONDS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from envkit.worker.folder import RunFolder

_EXIT_SECONDS = 10.0  # for a worker to end after its last event; a thread of the plugin may hold it
_LOG_LINES = 20
_STOPPING = "Stopping at the next step. Once more kills the run."


def run_worker(
    folder: RunFolder,
    *,
    on_event: Callable[[AnyEvent], None],
    environ: Mapping[str, str] = os.environ,
    grace: float = GRACE_SECONDS,
    inherited: Sequence[int] = (),
) -> RunResult:
    """Start the worker that the request asks for, hand on its events, and return how the run ended.

    While it runs, SIGINT (Ctrl-C), SIGTERM and SIGHUP ask the loop to stop at its next step, a second one
    kills it; both end as ``cancelled``. A worker that dies without a last event ends as ``crashed``, which
    is recorded for it. Nothing of its process group is left. The worker inherits the open files
    ``inherited``, such as the lock that keeps its environment. Call it in the main thread.
    Raises: UsageError where another worker has the run or it is finished, EnvError.
    """
    request = folder.read_request()
    if folder.is_locked():
        raise _is_taken(folder)
    folder.clear_result()
    tail = EventTail(folder.events_file, start=_size(folder.events_file))
    log_start = _size(folder.log_file)
    progress = RunProgress()
    with Interrupts() as interrupts:
        worker = start_worker(
            folder, environment=request.environment, grace=grace, environ=environ, inherited=inherited
        )
        try:
            interrupts.watch_over(worker)
            for event in _events(worker, tail, interrupts):
                progress = progress.after(event)
                on_event(event)
        finally:
            code = worker.clear()
        result = folder.read_result()
        if result is not None:
            return result
        if folder.is_locked():
            raise _is_taken(folder)
        seconds = {**request.seconds_before, **progress.seconds_until(time.time())}
        if interrupts.count > 1 or (interrupts.count and code == -signal.SIGTERM):
            result = RunResult(status="cancelled", task=request.task, seconds=seconds)
        else:
            death = describe_death(code, folder, request=request, log_start=log_start)
            result = RunResult(status="crashed", task=request.task, seconds=seconds, error=death)
        with contextlib.suppress(OSError):  # a disk that is full may be what killed it
            folder.write_result(result)
        return result


def describe_death(code: int, folder: RunFolder, *, request: RunRequest, log_start: int = 0) -> ErrorRecord:
    """Return what is known of a worker that ended with ``code`` and no last event: its traceback is its log."""
    hint = f"The worker's log: {folder.log_file}"
    if code >= 0:
        message = f"the worker ended with exit code {code} before the run was over"
    else:
        name = signal.Signals(-code).name if -code in set(signal.Signals) else f"signal {-code}"
        message = f"the worker was killed by {name}"
        if -code == signal.SIGKILL:
            message += ", most likely by the system because memory ran out"
            hint = f"{hint_for_memory(request)}. {hint}"
    log = log_tail(folder.log_file, _LOG_LINES, start=log_start)
    return ErrorRecord(message=message, exit_code=1, hint=hint, traceback="\n".join(log) or None)


def _events(worker: Worker, tail: EventTail, interrupts: Interrupts) -> Iterator[AnyEvent]:
    """Yield the worker's events, and a message of the host's own when the run is interrupted."""
    overdue: float | None = None
    was_told = False
    for batch in follow(tail, is_alive=worker.is_alive):
        yield from batch
        if interrupts.count and not was_told:
            was_told = True
            yield Message(time=time.time(), text=_STOPPING)
        if any(isinstance(event, Failed | Done) for event in batch):
            overdue = time.monotonic() + _EXIT_SECONDS
        if overdue is not None and time.monotonic() > overdue:
            worker.kill()


def _is_taken(folder: RunFolder) -> UsageError:
    return UsageError(
        f"another worker is at work in {folder.path}",
        hint="Wait for it, or start another run in another folder with --run-dir",
    )


def _size(file: Path) -> int:
    return file.stat().st_size if file.exists() else 0
