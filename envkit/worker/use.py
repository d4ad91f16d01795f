"""``python -m envkit.worker.use``: predict with a saved model, or score it, in the interpreter that this is.

The host gives open files by their numbers: the request, where the rows or scores go, where the predictions
behind the scores go, the pipe for events, and the life line. Standard input is the user's; what is printed
goes wherever the host has led standard output and error.
"""

from __future__ import annotations

import argparse
import faulthandler
import itertools
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from envkit.api import EnvError, Inputs, PluginError, PredictorRequest, Result, UsageError
from envkit.api.metric_names import find_headline, without_split
from envkit.api.options import from_builtins
from envkit.api.records import RunResult
from envkit.option_values import in_words
from envkit.registry import LoadedTask, TaskEntry, find_task, load_entry
from envkit.worker.deprecations import tell_deprecations
from envkit.worker.host_link import EventPipe, end_with_host
from envkit.worker.predictions import prediction_line
from envkit.worker.printing import print_anything
from envkit.worker.reporter import EventReporter
from envkit.worker.rows_out import ReaderGone, RowsFile, row_writer
from envkit.worker.scores import plain_scores
from envkit.worker.use_failures import record_use_failure
from envkit.worker.use_request import AnyUse, PredictRequest, ScoreRequest, Scores, decode_use

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from envkit.api import Predictor
    from envkit.api.options import Options

ROWS = "rows"  # the figure that says how many rows have been written
_SECONDS_BETWEEN_COUNTS = 0.2


def main(arguments: Sequence[str]) -> int:
    """Do what is asked and return the exit code; how it ended is the last event."""
    given = _parse(arguments)
    faulthandler.enable()  # a crash in native code leaves its stack in the log
    print_anything()
    for descriptor in (given.request, given.results, given.predictions, given.events, given.life_line):
        if descriptor is not None:
            os.set_inheritable(descriptor, False)  # not for the processes that a plugin may start
    end_with_host(given.host, given.life_line)
    with os.fdopen(given.request, "rb") as file:
        request = decode_use(file.read())
    report = EventReporter(EventPipe(given.events).write)
    made_by = request.model.plugin
    tell_deprecations(report.warn, plugin=f"{made_by.distribution} {made_by.version}")
    end = use(
        request,
        report=report,
        results=RowsFile(given.results),
        predictions=None if given.predictions is None else RowsFile(given.predictions),
    )
    report.end(end, lambda _: None)
    return 0 if end.error is None else end.error.exit_code


def use(
    request: AnyUse, *, report: EventReporter, results: RowsFile, predictions: RowsFile | None
) -> RunResult:
    """Do what is asked, and return how it ended: ``cancelled`` where nobody reads the output any more."""
    report.hello(plugin=f"{request.model.plugin.distribution} {request.model.plugin.version}")
    report.phase("load")
    at_work: TaskEntry | None = None  # the plugin, once its code runs: whose fault an error is
    try:
        at_work = find_entry(request, report)
        plugin = load_entry(at_work)
        predictor = open_predictor(request, plugin, report=report)
        if isinstance(request, PredictRequest):
            _predict(predictor, request, report=report, results=results)
        else:
            _score(predictor, request, plugin, report=report, results=results, predictions=predictions)
    except ReaderGone:
        return RunResult(status="cancelled", task=request.model.task)
    except BaseException as error:  # noqa: BLE001 - SystemExit too: however a plugin ends, the host is told
        failure = record_use_failure(error, entry=at_work, request=request)
        return RunResult(status="failed", task=request.model.task, error=failure)
    return RunResult(status="finished", task=request.model.task)


def open_predictor(request: AnyUse, plugin: LoadedTask, *, report: EventReporter) -> Predictor:
    """Load the model. Raises: UsageError, PluginError, and whatever the plugin raises."""
    return plugin.predictor(
        PredictorRequest(
            model_dir=Path(request.model_dir),
            options=_options(request, plugin),
            report=report,
            decoding=request.model.decoding,
        )
    )


def _predict(
    predictor: Predictor, request: PredictRequest, *, report: EventReporter, results: RowsFile
) -> None:
    row = row_writer(request.to, task=request.model.task, warn=report.warn)
    inputs = Inputs(
        texts=request.texts,
        file=None if request.file is None else Path(request.file),
        format=request.format,
        encoding=request.encoding,
    )
    report.phase("predict")
    last_count = time.monotonic()
    for count, prediction in enumerate(predictor.predict(inputs), start=1):
        results.write(row(prediction))
        if time.monotonic() - last_count >= _SECONDS_BETWEEN_COUNTS:
            report.measured(ROWS, count)
            last_count = time.monotonic()


def _score(
    predictor: Predictor,
    request: ScoreRequest,
    plugin: LoadedTask,
    *,
    report: EventReporter,
    results: RowsFile,
    predictions: RowsFile | None,
) -> None:
    report.phase("score")
    result = predictor.score(Path(request.file))
    if not isinstance(result, Result):
        raise PluginError(f"score of {plugin.entry} returned {type(result).__name__}, not a Result")
    rows = list(itertools.chain.from_iterable(result.predictions.values()))
    kept = None if predictions is None else len(rows)
    # The scores first: they stand although nobody should read what is behind them.
    scores = Scores(
        **msgspec.structs.asdict(plain_scores(result, report)),
        task=plugin.entry.name,
        headline=_headline(request, plugin, result.metrics),
        kept=kept,
    )
    results.write(msgspec.json.encode(scores))
    if predictions is not None:
        for prediction in rows:
            predictions.write(prediction_line(prediction))


def _headline(request: ScoreRequest, plugin: LoadedTask, metrics: Mapping[str, float]) -> str:
    own = plugin.task.headline
    chose = find_headline(own, chosen=request.model.headline)
    return chose if chose in map(without_split, metrics) else own


def find_entry(request: AnyUse, report: EventReporter) -> TaskEntry:
    """Return the plugin that uses the model; another version than made it is told. Raises: EnvError without one."""
    made_by = f"{request.model.plugin.distribution} {request.model.plugin.version}"
    try:
        entry = find_task(request.model.task, prefer=request.model.plugin.distribution)
    except UsageError as error:
        raise EnvError(
            f"the environment {request.environment.name} ({sys.executable}) has no plugin for "
            f"{request.model.task!r}: {made_by} was expected",
            hint="Use another environment, or let one be found or made: --env auto",
        ) from error
    if str(entry) != made_by:
        report.say(f"The model was made by {made_by} and is used by {entry}")
    return entry


def _options(request: AnyUse, plugin: LoadedTask) -> Options:
    """Return the options of the model's run, but for what is asked of this use. Raises: UsageError, PluginError."""
    given: dict[str, Any] = {"device": request.device}
    if isinstance(request, ScoreRequest):
        asked = {"format": request.format, "encoding": request.encoding}
        given |= {name: value for name, value in asked.items() if value is not None}
    elif request.text_column is not None:
        given["text_column"] = request.text_column
    for name in given.keys() - set(plugin.task.options.__struct_fields__):
        flag = f"--{name.replace('_', '-')}"
        raise UsageError(f"the task {request.model.task} knows no {flag}", hint=f"Leave {flag} out")
    plain = {**request.model.options, **given}
    try:
        return from_builtins(plain, plugin.task.options)
    except ValueError as error:  # msgspec's errors are ValueErrors
        maker = request.model.plugin
        made_by = f"The model was made by {maker.distribution} {maker.version}"
        is_same = (maker.distribution, maker.version) == (plugin.entry.plugin, plugin.entry.version)
        raise PluginError(
            f"the model's options do not fit {plugin.entry}: {in_words(error, plugin.task.options, plain)}",
            hint=f"{made_by}, whose options have changed since: train anew, envkit run {request.model.task} --help"
            if is_same
            else f"{made_by}: envkit plugin install '{maker.distribution}=={maker.version}'",
        ) from error


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="envkit.worker.use", description="Use a saved model.")
    parser.add_argument("--host", type=int, required=True, metavar="PID", help="the parent process")
    for name, what in (
        ("request", "the request, as JSON"),
        ("results", "where rows or scores go"),
        ("events", "where events go"),
        ("life-line", "the pipe that ends when the host does"),
    ):
        parser.add_argument(f"--{name}", type=int, required=True, metavar="FILE", help=what)
    parser.add_argument("--predictions", type=int, metavar="FILE", help="where the rows behind the scores go")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    code = main(sys.argv[1:])
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    os._exit(code)  # a thread that still waits for standard input would hold a gentler end up
