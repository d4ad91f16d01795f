"""Do what a run asks, in order: load the plugin, read the data, fine-tune, describe the model."""

from __future__ import annotations

import contextlib
import math
import sys
from typing import TYPE_CHECKING, Any

from envkit.api import EnvError, PluginError, Request, Result, Run, RunCancelled, UsageError
from envkit.api.options import Options, from_builtins
from envkit.api.records import RunRequest, RunResult, Status, TableRecord
from envkit.registry import LoadedTask, TaskEntry, find_task, load_entry
from envkit.worker.failures import record_failure
from envkit.worker.model_files import describe_model
from envkit.worker.reporter import EventReporter, plain_text

if TYPE_CHECKING:
    from pathlib import Path

    from envkit.worker.folder import RunFolder
    from envkit.worker.stop import StopRequest


def work(folder: RunFolder, request: RunRequest, *, report: EventReporter, stop: StopRequest) -> RunResult:
    """Return how the run ended. Whatever is raised on the way is in the result; nothing is raised."""
    at_work: TaskEntry | None = None  # the plugin, while its code runs: whose fault an error is
    try:
        report.phase("read")
        plugin = _load(request, report)
        options = _options(request, plugin)
        if stop():
            return _end(request, report, "cancelled")
        at_work = plugin.entry
        data = plugin.read(Request(options=options, report=report))
        if stop():
            return _end(request, report, "cancelled")
        report.phase("load")
        folder.model_dir.mkdir(exist_ok=True)
        run: Run[Any, Any] = Run(
            options=options,
            data=data,
            run_dir=folder.path,
            model_dir=folder.model_dir,
            report=report,
            should_stop=stop,
        )
        result = plugin.finetune(run)
        metrics, tables = report.numbers(result.metrics), _tables(result)
        at_work = None
        model_dir = describe_model(folder, request, base_model=options.model, metrics=metrics)
        # A stop that came too late for the loop to hear has left a whole model.
        status: Status = "cancelled" if stop.was_heard else "finished"
        return _end(request, report, status, metrics=metrics, tables=tables, model_dir=model_dir)
    except RunCancelled:
        _drop_if_empty(folder.model_dir)
        return _end(request, report, "cancelled")
    except BaseException as error:  # noqa: BLE001 - SystemExit too: however a plugin ends, a record says so
        _drop_if_empty(folder.model_dir)
        failure = record_failure(error, entry=at_work, request=request, run_dir=folder.path)
        return _end(request, report, "failed", error=failure)


def cancelled(request: RunRequest, report: EventReporter) -> RunResult:
    """Return the result of a run whose loop did not come back."""
    return _end(request, report, "cancelled")


def _drop_if_empty(model_dir: Path) -> None:
    with contextlib.suppress(OSError):  # it is not empty, or not there
        model_dir.rmdir()


def _load(request: RunRequest, report: EventReporter) -> LoadedTask:
    wanted = f"{request.plugin.distribution} {request.plugin.version}"
    try:
        entry = find_task(request.task)
    except UsageError as error:
        raise EnvError(
            f"the environment {request.environment.name} ({sys.executable}) has no plugin for "
            f"{request.task!r}: {wanted} was expected",
            hint=f"Make another environment: envkit run {request.task} --env auto",
        ) from error
    if str(entry) != wanted:
        report.warn(f"the environment holds {entry}; the run was asked of {wanted}")
    return load_entry(entry)


def _options(request: RunRequest, plugin: LoadedTask) -> Options:
    try:
        return from_builtins(request.options, plugin.task.options)
    except ValueError as error:  # msgspec's errors are ValueErrors
        raise PluginError(f"the options of the request do not fit {plugin.entry}: {error}") from error


def _tables(result: Result) -> list[TableRecord]:
    return [
        TableRecord(
            title=plain_text(table.title),
            columns=[plain_text(column) for column in table.columns],
            rows=[[_cell(cell) for cell in row] for row in table.rows],
        )
        for table in result.tables
    ]


def _cell(value: Any) -> str | int | float:
    if isinstance(value, str):
        return plain_text(value)
    number = value.item() if hasattr(value, "item") else value  # a scalar of NumPy or torch
    if isinstance(number, float):
        return float(number) if math.isfinite(number) else "-"
    return number if isinstance(number, int) else plain_text(number)


def _end(request: RunRequest, report: EventReporter, status: Status, **rest: Any) -> RunResult:
    seconds = {**request.seconds_before, **report.seconds()}
    return RunResult(
        status=status,
        task=request.task,
        seconds={phase: round(spent, 4) for phase, spent in seconds.items()},
        **rest,
    )
