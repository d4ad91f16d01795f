"""Run a worker from start to end and come back with how the run ended, whatever happens to the worker."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from typing import TYPE_CHECKING, Literal

import msgspec

from envkit.api import RunFailed
from envkit.api.events import AnyEvent, Done, Failed, Hello, Message, Refused
from envkit.api.records import ErrorRecord, RunRequest, RunResult
from envkit.runs.follow import EventTail, follow
from envkit.runs.interrupts import Interrupts
from envkit.runs.launch import Death, RunningWorker, StartWorker, start_worker
from envkit.runs.leftovers import leftovers_text, read_memory_kills
from envkit.runs.log import log_tail
from envkit.runs.progress import RunProgress, read_progress
from envkit.runs.silence import QUIET_SECONDS, Silence
from envkit.worker.failures import hint_for_memory
from envkit.worker.model_files import MODEL_RECORD
from envkit.worker.stop import GRACE_SECONDS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from envkit.worker.folder import RunFolder

_EXIT_SECONDS = 10.0  # for a worker to end after its last event; a thread of the plugin may hold it
_LOG_LINES = 20
_SHELLS_KILL = 128 + signal.SIGKILL  # how a shell between worker and host hands the signal on
_STOPPING = "Stopping at the next step. Once more kills the run."


def run_worker(
    folder: RunFolder,
    *,
    on_event: Callable[[AnyEvent], None],
    environ: Mapping[str, str] = os.environ,
    grace: float = GRACE_SECONDS,
    inherited: Sequence[int] = (),
    resume: bool = False,
    force: bool = False,
    start: StartWorker = start_worker,
    quiet_seconds: tuple[float, ...] = QUIET_SECONDS,
    memory_kills: Callable[[], int | None] = read_memory_kills,
) -> RunResult:
    """Start the worker that the request asks for, hand on its events, and return how the run ended.

    With ``resume`` it goes on from the run's newest checkpoint, or starts over where there is none, and with
    ``force`` also where something has changed since; until the worker has accepted that, and where it does
    not, the record of the former end stays.

    While it runs, SIGINT (Ctrl-C), SIGTERM and SIGHUP ask the loop to stop at its next step, a second one
    kills it; both end as ``cancelled``. A worker that dies without a last event ends as ``crashed``, which
    is recorded for it. Nothing of its process group is left. The worker inherits the open files
    ``inherited``, such as the lock that keeps its environment. ``start`` starts it, by itself as a process.
    After each of ``quiet_seconds`` without an event the user is told how long it is silent; ``memory_kills``
    counts the processes that the system killed for lack of memory.
    Call it in the main thread.
    Raises: UsageError where another worker has the run or it is finished, EnvError, ImageError; where the
    worker refuses to resume, RunFailed with its reason and exit code.
    """
    request = folder.read_request()
    if folder.is_locked():
        raise folder.taken_error()
    folder.refuse_finished()
    if not resume:
        folder.take_end()
    tail = EventTail(folder.events_file, start=_size(folder.events_file))
    log_start = _size(folder.log_file)
    progress = read_progress(folder) if resume else RunProgress()
    has_begun = not resume
    refusal: Refused | None = None
    kills_before = memory_kills()
    silence = Silence(plugin=plugin_of(request), after=quiet_seconds)
    with Interrupts() as interrupts:
        worker = start(
            folder,
            environment=request.environment,
            grace=grace,
            resume=resume,
            force=force,
            environ=environ,
            inherited=inherited,
        )
        try:
            interrupts.watch_over(worker)
            for event in _events(worker, tail, interrupts, folder=folder, silence=silence):
                progress = progress.after(event)
                has_begun = has_begun or isinstance(event, Hello)
                refusal = event if isinstance(event, Refused) else refusal
                on_event(event)
            if not interrupts.count and (names := worker.left_behind()):
                on_event(_said(leftovers_text(plugin_of(request), names), level="warning"))
        finally:
            code = worker.clear()
        if refusal is not None:
            hint = refusal.hint or f"The worker's log: {folder.log_file}"
            raise RunFailed(refusal.message, hint=hint, exit_code=refusal.exit_code)
        cause = worker.cause()
        if has_begun and (result := folder.read_result()) is not None:
            is_unasked = result.status == "cancelled" and not interrupts.count
            return _with_cause(folder, result, cause) if is_unasked and cause is not None else result
        if folder.is_locked():
            raise folder.taken_error()
        spent = progress.seconds_until(time.time()) if has_begun else progress.seconds
        if interrupts.count > 1 or (interrupts.count and code == -signal.SIGTERM):
            death = None
        else:
            death = describe_death(
                code,
                folder,
                request=request,
                log_start=log_start,
                cause=cause,
                is_out_of_memory=_has_grown(kills_before, memory_kills()),
            )
        result = _without_last_word(folder, request, death, spent)
        if has_begun:
            with contextlib.suppress(OSError):  # a disk that is full may be what killed it
                folder.write_result(result)
        return result


def plugin_of(request: RunRequest) -> str:
    """Return distribution and version of the plugin whose loop a run is, as errors name it."""
    return f"{request.plugin.distribution} {request.plugin.version}"


def describe_death(
    code: int,
    folder: RunFolder,
    *,
    request: RunRequest,
    log_start: int = 0,
    cause: Death | None = None,
    is_out_of_memory: bool = False,
) -> ErrorRecord:
    """Return what is known of a worker that ended with ``code`` and no last event: its traceback is its log.

    ``is_out_of_memory`` tells that the system killed something for lack of memory while it ran.
    """
    hint = f"The worker's log: {folder.log_file}"
    plugin = plugin_of(request)
    number = signal.SIGKILL if code == _SHELLS_KILL else -code
    if cause is not None:
        message, hint = cause.message, f"{cause.hint.rstrip('.')}. {hint}"
    elif not folder.path.is_dir():
        message = f"the run folder was removed while {plugin} was at work: {folder.path}"
        hint = "Nothing of the run is left. Whatever removed it, the plugin itself may have"
    elif number <= 0:
        message = (
            f"the worker ended with exit code {code} before the run was over: {plugin}, or a library that it "
            "uses, ended the process"
        )
    else:
        name = signal.Signals(number).name if number in set(signal.Signals) else f"signal {number}"
        message = f"the worker of {plugin} was killed by {name}"
        if number == signal.SIGKILL:
            sure = "by the system" if is_out_of_memory else "most likely by the system"
            message += f", {sure} because memory ran out"
            hint = f"{hint_for_memory(request)}. {hint}"
    log = log_tail(folder.log_file, _LOG_LINES, start=log_start)
    exit_code = 1 if cause is None else cause.exit_code
    return ErrorRecord(
        message=message,
        exit_code=exit_code,
        hint=hint,
        traceback="\n".join(log) or None,
        plugin=plugin if cause is None else None,
    )


def _has_grown(before: int | None, after: int | None) -> bool:
    return before is not None and after is not None and after > before


def _with_cause(folder: RunFolder, result: RunResult, cause: Death) -> RunResult:
    """Return the result of a worker that was made to stop by what nobody asked for, and record it."""
    error = ErrorRecord(message=cause.message, exit_code=cause.exit_code, hint=cause.hint)
    told = msgspec.structs.replace(result, status="crashed", error=error)
    with contextlib.suppress(OSError):
        folder.write_result(told)
    return told


def _without_last_word(
    folder: RunFolder, request: RunRequest, death: ErrorRecord | None, spent: Mapping[str, float]
) -> RunResult:
    """Return the result for a worker that recorded none: cancelled, or crashed by what it died of."""
    seconds = {**request.seconds_before, **spent}
    return RunResult(
        status="cancelled" if death is None else "crashed",
        task=request.task,
        # Of a worker before it, which this one has not written over.
        model_dir=folder.model_dir.name if (folder.model_dir / MODEL_RECORD).exists() else None,
        seconds={phase: round(value, 4) for phase, value in seconds.items()},
        error=death,
    )


def _events(
    worker: RunningWorker,
    tail: EventTail,
    interrupts: Interrupts,
    *,
    folder: RunFolder,
    silence: Silence,
) -> Iterator[AnyEvent]:
    """Yield the worker's events, and messages of the host's own: of an interruption, of silence, of a lost folder."""
    overdue: float | None = None
    was_told = is_lost = False
    for batch in follow(tail, is_alive=worker.is_alive):
        yield from batch
        if interrupts.count and not was_told:
            was_told = True
            yield _said(_STOPPING)
        if any(isinstance(event, Failed | Refused | Done) for event in batch):
            overdue = time.monotonic() + _EXIT_SECONDS
        if overdue is not None and time.monotonic() > overdue:
            worker.kill()
        if batch:
            silence.heard()
        elif not is_lost and not folder.path.is_dir():
            is_lost = True
            yield _said(f"The run folder is gone: {folder.path}. Nothing can be kept.", level="warning")
        elif (text := silence.due()) is not None:
            yield _said(text, level="warning")


def _said(text: str, *, level: Literal["info", "warning"] = "info") -> Message:
    return Message(time=time.time(), text=text, level=level)


def _size(file: Path) -> int:
    return file.stat().st_size if file.exists() else 0
