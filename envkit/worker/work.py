"""Do what a run asks, in order: load the plugin, read the data, fine-tune, describe the model."""

from __future__ import annotations

import contextlib
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from envkit.api import EnvError, PluginError, Request, Run, RunCancelled, UsageError
from envkit.api.errors import ResumeRefused
from envkit.api.metric_names import METRIC_CHOICE, find_headline, without_split
from envkit.api.options import Options, from_builtins
from envkit.api.records import RunRequest, RunResult, Status
from envkit.checkpoints import describe_run
from envkit.option_values import in_words
from envkit.registry import LoadedTask, TaskEntry, find_task, load_entry
from envkit.worker.failures import record_failure
from envkit.worker.metrics import write_metrics
from envkit.worker.model_card import Guide
from envkit.worker.model_files import describe_model, stamp_card
from envkit.worker.predictions import write_predictions
from envkit.worker.resume import ANEW, Beginning
from envkit.worker.scores import plain_scores

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from envkit.checkpoints import MadeBy
    from envkit.worker.folder import RunFolder
    from envkit.worker.reporter import EventReporter
    from envkit.worker.stop import StopRequest


@dataclass(frozen=True, kw_only=True)
class OpenedTask:
    """A task whose plugin is loaded: its options for this run, and what the run depends on."""

    plugin: LoadedTask
    options: Options
    made_by: MadeBy
    warning: str | None


def open_task(folder: RunFolder, request: RunRequest) -> OpenedTask:
    """Load the plugin that the request names, and hash the data that it is going to read.

    Raises: EnvError where it is not installed here, PluginError, DataError.
    """
    wanted = f"{request.plugin.distribution} {request.plugin.version}"
    entry = _find(request, wanted)
    plugin = load_entry(entry)
    options = _options(request, plugin)
    warning = (
        None if str(entry) == wanted else f"the environment holds {entry}; the run was asked of {wanted}"
    )
    return OpenedTask(
        plugin=plugin, options=options, made_by=describe_run(folder.path, options), warning=warning
    )


def work(
    folder: RunFolder,
    request: RunRequest,
    *,
    report: EventReporter,
    stop: StopRequest,
    beginning: Beginning = ANEW,
    task: OpenedTask | None = None,
) -> RunResult:
    """Return how the run ended, its metrics recorded. Whatever is raised on the way is in the result.

    ``task`` is given where it had to be opened before. Raises: ResumeRefused alone, from a loop that was to go
    on from a checkpoint and finds that it would not go on as it began.
    """
    report.phase("read")
    try:
        task = task or open_task(folder, request)
    except BaseException as error:  # noqa: BLE001 - SystemExit too: however a plugin ends, a record says so
        failure = record_failure(error, entry=None, request=request, run_dir=folder.path)
        return _end(request, report, "failed", error=failure)
    result = _do(task, folder, request, report=report, stop=stop, beginning=beginning)
    if result.status == "finished":
        _look_over_data(task, folder, result, report=report)
    try:
        write_metrics(folder, request, result, account=report.account, made_by=task.made_by)
    except OSError as error:  # the events still tell it all, and the model is there
        report.warn(f"{folder.metrics_file} could not be written: {error.strerror}")
    return result


def _look_over_data(task: OpenedTask, folder: RunFolder, result: RunResult, *, report: EventReporter) -> None:
    from envkit.worker.data_check import record_check  # readers and checks, for a run that has ended well

    warning = record_check(
        task.plugin,
        task.options,
        folder,
        data_bytes=sum(file.size for file in task.made_by.data),
        run_seconds=sum(spent for phase, spent in result.seconds.items() if phase != "environment"),
    )
    if warning is not None:
        report.warn(warning)


def cancelled(request: RunRequest, report: EventReporter) -> RunResult:
    """Return the result of a run whose loop did not come back."""
    return _end(request, report, "cancelled")


def _do(
    task: OpenedTask,
    folder: RunFolder,
    request: RunRequest,
    *,
    report: EventReporter,
    stop: StopRequest,
    beginning: Beginning,
) -> RunResult:
    at_work: TaskEntry | None = None  # the plugin, while its code runs: whose fault an error is
    try:
        if task.warning is not None:
            report.warn(task.warning)
        if stop():
            return _end(request, report, "cancelled")
        at_work = task.plugin.entry
        data = task.plugin.read(Request(options=task.options, report=report))
        if stop():
            return _end(request, report, "cancelled")
        report.phase("load")
        folder.model_dir.mkdir(exist_ok=True)
        old_card = stamp_card(folder)
        run: Run[Any, Any] = Run(
            options=task.options,
            data=data,
            run_dir=folder.path,
            model_dir=folder.model_dir,
            report=report,
            should_stop=stop,
            headline=request.headline,
            checkpoint=beginning.checkpoint,
            is_forced=beginning.is_forced,
        )
        result = task.plugin.finetune(run)
        found = plain_scores(result, report)
        headline = _headline(request, report, found.metrics)
        write_predictions(folder, result)
        at_work = None
        model_dir = describe_model(
            folder,
            request,
            base_model=task.options.model,
            metrics=found.metrics,
            headline=headline,
            options=task.options,
            decoding=result.decoding,
            example_rows=result.example_rows,
            guide=Guide(
                usage=result.usage,
                example=result.example,
                has_predictor=task.plugin.has("envkit_predictor"),
            ),
            old_card=old_card,
        )
        # A stop that came too late for the loop to hear has left a whole model.
        status: Status = "cancelled" if stop.was_heard else "finished"
        scores = msgspec.structs.asdict(found)
        return _end(request, report, status, model_dir=model_dir, headline=headline, **scores)
    except RunCancelled:
        _drop_if_empty(folder.model_dir)
        return _end(request, report, "cancelled")
    except BaseException as error:
        _drop_if_empty(folder.model_dir)
        if isinstance(error, ResumeRefused) and beginning.checkpoint is not None:
            raise
        failure = record_failure(error, entry=at_work, request=request, run_dir=folder.path)
        return _end(request, report, "failed", error=failure)


def _headline(request: RunRequest, report: EventReporter, metrics: Mapping[str, float]) -> str:
    """Return the metric that chose the model, the task's own where the result has no such score."""
    chosen = report.account.choices.get(METRIC_CHOICE)
    headline = find_headline(
        request.headline,
        asked=request.options.get("metric"),
        chosen=None if chosen is None else chosen.value,
    )
    return headline if headline in map(without_split, metrics) else request.headline


def _drop_if_empty(model_dir: Path) -> None:
    with contextlib.suppress(OSError):  # it is not empty, or not there
        model_dir.rmdir()


def _find(request: RunRequest, wanted: str) -> TaskEntry:
    try:
        return find_task(request.task, prefer=request.plugin.distribution)
    except UsageError as error:
        raise EnvError(
            f"the environment {request.environment.name} ({sys.executable}) has no plugin for "
            f"{request.task!r}: {wanted} was expected",
            hint=f"Make another environment: envkit run {request.task} --env auto",
        ) from error


def _options(request: RunRequest, plugin: LoadedTask) -> Options:
    try:
        return from_builtins(request.options, plugin.task.options)
    except ValueError as error:  # msgspec's errors are ValueErrors
        said = in_words(error, plugin.task.options, request.options)
        raise PluginError(f"the options of the request do not fit {plugin.entry}: {said}") from error


def _end(request: RunRequest, report: EventReporter, status: Status, **rest: Any) -> RunResult:
    seconds = {**request.seconds_before, **report.seconds()}
    return RunResult(
        status=status,
        task=request.task,
        seconds={phase: round(spent, 4) for phase, spent in seconds.items()},
        **rest,
    )
