"""Runs of a task as the worker does them, in this process: request, events and result in a folder of their own.

What an assertion says is a sentence for authors, to which pytest adds nothing: PYTEST_DONT_REWRITE.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from envkit import __version__
from envkit.api.events import EventSplitter, Metrics, Step
from envkit.api.options import to_builtins
from envkit.api.records import EnvironmentUse, PluginRecord, RunRequest, RunResult, Status
from envkit.registry import DISABLE_VARIABLE, load_task
from envkit.testing.options import complete_options
from envkit.testing.tester_settings import without_variables
from envkit.worker.account import read_account
from envkit.worker.folder import RunFolder
from envkit.worker.reporter import EventFile, EventReporter
from envkit.worker.resume import ANEW, find_beginning
from envkit.worker.stop import StopRequest
from envkit.worker.work import open_task, work

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from envkit.api.events import AnyEvent


@dataclass(frozen=True, kw_only=True)
class WorkerTrial:
    """A run that came to its end.

    ``folder`` is the run's, absolute; ``events`` are all that its workers told, in order; ``metrics`` the final ones
    by name (``dev/f1``), as fractions of 1; ``result`` the whole of ``result.json``.
    """

    task: str
    folder: Path
    events: tuple[AnyEvent, ...]
    result: RunResult

    @property
    def metrics(self) -> Mapping[str, float]:
        """Return the final metrics by name; none of a run that failed."""
        return self.result.metrics

    @property
    def model_dir(self) -> Path:
        """Return the folder of the model. Raises: AssertionError where the run saved none."""
        assert self.result.model_dir is not None, f"the run of {self.task} in {self.folder} saved no model"
        return self.folder / self.result.model_dir

    @property
    def steps(self) -> tuple[int, ...]:
        """Return the numbers of the optimizer steps that were reported, in order."""
        return tuple(event.step for event in self.events if isinstance(event, Step))

    @property
    def evaluations(self) -> tuple[Mapping[str, float], ...]:
        """Return what each evaluation reported, in order."""
        return tuple(event.values for event in self.events if isinstance(event, Metrics))


def run_in_worker(
    task: str,
    options: Mapping[str, Any] | None = None,
    *,
    folder: Path,
    stop_after: int | None = None,
    status: Status = "finished",
) -> WorkerTrial:
    """Read and fine-tune as a worker does; ``folder``, not there yet, becomes the run's.

    ``options`` are plain values by name, paths as text or Path. What is left out is the task's own, but a run is on the
    CPU in float32, and of a tiny model of the words in the data where the loop is made of ``envkit.finetune``.
    ``stop_after`` asks it to stop once this step is reported; ``status`` is how it should end.

    Raises: UsageError, PluginError, msgspec.ValidationError for options that the task does not take; AssertionError
    where the run ends otherwise, with the error that ended it.
    """
    with without_variables(DISABLE_VARIABLE):
        loaded = load_task(task)
    typed = complete_options(loaded, options or {}, folder=folder.absolute().parent)
    run = RunFolder(folder.absolute())
    run.path.mkdir(parents=True)
    run.write_request(
        RunRequest(
            id=run.path.name,
            task=task,
            plugin=PluginRecord(distribution=loaded.entry.plugin, version=loaded.entry.version),
            options=to_builtins(typed),
            sources={name: "the test" for name in options or {}},
            environment=EnvironmentUse(
                kind="current", name="current", python=sys.executable, reason="a test runs in it"
            ),
            envkit=__version__,
            created=datetime.now(UTC).isoformat(timespec="seconds"),
            headline=loaded.task.headline,
        )
    )
    return _work(run, is_resumed=False, stop_after=stop_after, status=status)


def resume_in_worker(
    trial: WorkerTrial, *, stop_after: int | None = None, status: Status = "finished"
) -> WorkerTrial:
    """Go on with a run that was stopped, from its newest checkpoint, as ``envkit runs resume`` does.

    Raises: UsageError for a run that is finished, ResumeRefused where it would not go on as it began, AssertionError as
    in ``run_in_worker``.
    """
    return _work(RunFolder(trial.folder), is_resumed=True, stop_after=stop_after, status=status)


@without_variables(DISABLE_VARIABLE)
def _work(run: RunFolder, *, is_resumed: bool, stop_after: int | None, status: Status) -> WorkerTrial:
    request = run.read_request()
    stop = StopRequest()
    events = EventFile(run.events_file)
    account = read_account(run.events_file) if is_resumed else None
    report = EventReporter(_stopping(events.write, stop, stop_after), account=account)
    try:
        opened, beginning = None, ANEW
        if is_resumed:
            opened = open_task(run, request)
            beginning = find_beginning(run.path, opened.made_by, is_forced=False)
        run.take_end()
        plugin = f"{request.plugin.distribution} {request.plugin.version}"
        report.hello(plugin=plugin, from_step=beginning.from_step)
        result = work(run, request, report=report, stop=stop, beginning=beginning, task=opened)
        report.end(result, run.write_result)
    finally:
        events.close()
    if result.status != status:
        raise AssertionError(_otherwise(result, status))
    told = EventSplitter().feed(run.events_file.read_bytes())
    return WorkerTrial(task=request.task, folder=run.path, events=tuple(told), result=result)


def _stopping(
    write: Callable[[AnyEvent], None], stop: StopRequest, step: int | None
) -> Callable[[AnyEvent], None]:
    def written(event: AnyEvent) -> None:
        write(event)
        if step is not None and isinstance(event, Step) and event.step >= step:
            stop.ask()

    return written


def _otherwise(result: RunResult, status: Status) -> str:
    said = f"the run of {result.task} {result.status}, expected {status}"
    if result.error is None:
        return said
    parts = (said, result.error.message, result.error.hint and f"hint: {result.error.hint}")
    return "\n".join(part for part in (*parts, result.error.traceback) if part)
