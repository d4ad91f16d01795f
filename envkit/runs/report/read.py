"""Read a run's folder into what its page shows; whatever the folder lacks is left out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import msgspec

from envkit.api import EnvkitError
from envkit.api.metric_names import METRIC_CHOICE, is_lower_better, without_split
from envkit.api.records import DataReport, ErrorRecord, MetricsRecord, RunResult
from envkit.machine import MachineFacts
from envkit.masking import mask_secrets
from envkit.runs.folder import read_status
from envkit.runs.report.asked import home_of, show_asked, show_reproduce
from envkit.runs.report.charts import loss_chart, metric_chart, rate_chart
from envkit.runs.report.data import show_data
from envkit.runs.report.excerpts import cut, visible
from envkit.runs.report.history import RunHistory, read_history
from envkit.runs.report.machine import show_machine
from envkit.runs.report.mistakes import read_mistakes
from envkit.runs.report.numbers import count_text, duration_text
from envkit.runs.report.records import Fact, PhaseTime, RunReport, Score, ScoreRow, Scores
from envkit.runs.report.tables import show_confusion, show_evaluations, show_table

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from envkit.api.records import BaselineRecord, RunRequest, TableRecord
    from envkit.runs.report.charts import Chart
    from envkit.worker.folder import RunFolder

RecordT = TypeVar("RecordT")

_SPLITS = ("dev", "test")  # in this order, before any other
_MOST_TABLES = 24
_MOST_ROWS = 480  # of all tables together
_MOST_MAPS = 4
_MOST_METRICS = 60
_MOST_WARNINGS = 30
_TRACEBACK = 6000  # characters, the last ones


def read_run_report(folder: RunFolder) -> RunReport:
    """Return what the page of this run shows, whether it has finished, failed, was stopped, or goes on.

    Raises: UsageError for no run folder, EnvkitError for a damaged record, OSError.
    """
    request = folder.read_request()
    status = read_status(folder)
    result = None if status == "running" else folder.read_result()
    metrics = None if result is None else _read(folder.metrics_file, MetricsRecord)
    data = _read(folder.data_file, DataReport)
    facts = _read(folder.machine_file, MachineFacts)
    history = read_history(folder.events_file)
    home = home_of(folder.path)
    tables = [] if result is None else _by_subject(result.tables[:_MOST_TABLES])
    maps = [show_confusion(table) for table in tables if table.kind == "confusion"][:_MOST_MAPS]
    plain = [table for table in tables if table.kind != "confusion"]
    metric = _metric(request, history)
    headline = (result and result.headline) or without_split(metric)
    return RunReport(
        request=request,
        status=status,
        model=_model_name(request),
        error=_error(result),
        scores=_scores(result, headline, baseline=None if data is None else data.baseline),
        figures=_figures(result, metrics, history),
        asked=show_asked(request, home=home),
        data=None if data is None else show_data(data),
        machine=show_machine(facts, request, metrics),
        charts=_charts(history, metric),
        evaluations=show_evaluations(history.evaluations),
        tables=[show_table(table, most=_MOST_ROWS // max(1, len(plain))) for table in plain],
        confusions=[each for each in maps if each is not None],
        mistakes=[] if result is None else read_mistakes(folder.predictions_dir),
        choices=[
            Fact(name=_short(name), value=_short(choice.value), note=_short(choice.reason))
            for name, choice in history.choices.items()
        ],
        warnings=[_short(text) for text in history.warnings[:_MOST_WARNINGS]],
        phases=_phases(result),
        reproduce=show_reproduce(request, metrics, home=home),
    )


def _read(file: Path, type: type[RecordT]) -> RecordT | None:
    """Return a record, None where there is no file. Raises: EnvkitError for a damaged one."""
    try:
        return msgspec.json.decode(file.read_bytes(), type=type)
    except FileNotFoundError:
        return None
    except ValueError as error:  # msgspec's errors are ValueErrors
        raise EnvkitError(
            f"{file}: cannot be read: {error}", hint="Move the file away to go without it"
        ) from error


def _model_name(request: RunRequest) -> str:
    model = str(request.options.get("model", ""))
    return _short(Path(model).name if model.startswith("/") else model)


def _error(result: RunResult | None) -> ErrorRecord | None:
    if result is None or result.error is None:
        return None
    error = result.error
    traceback = error.traceback and visible(mask_secrets(error.traceback[-_TRACEBACK:]))
    return msgspec.structs.replace(
        error, message=_short(error.message), hint=error.hint and _short(error.hint), traceback=traceback
    )


def _scores(result: RunResult | None, headline: str, *, baseline: BaselineRecord | None) -> Scores:
    metrics: Mapping[str, float] = {} if result is None else result.metrics
    intervals = {} if result is None else result.intervals
    found = list(dict.fromkeys(name.partition("/")[0] for name in metrics if "/" in name))
    splits = [split for split in _SPLITS if split in found] + [
        split for split in found if split not in _SPLITS
    ]
    names = dict.fromkeys(name.partition("/")[2] for name in metrics if "/" in name)
    first = {headline: None} if headline in names else {}
    known = {} if baseline is None else baseline.metrics
    rows = []
    for name in list({**first, **names})[:_MOST_METRICS]:
        keys = [f"{split}/{name}" for split in splits]
        scores = [
            Score(value=metrics[key], interval=intervals.get(key), baseline=known.get(key))
            if key in metrics
            else None
            for key in keys
        ]
        rows.append(ScoreRow(metric=_short(name), scores=scores, is_headline=name == headline))
    return Scores(splits=splits, rows=rows, scorer=None if result is None else result.scorer)


def _figures(result: RunResult | None, metrics: MetricsRecord | None, history: RunHistory) -> list[Fact]:
    """Return the few numbers that stand beside the scores: time, steps, speed."""
    found = []
    if result is not None and result.seconds:
        found.append(Fact(name="time", value=duration_text(sum(result.seconds.values())), note="in all"))
    steps = history.steps[-1].step if history.steps else 0
    if steps:
        of = f"of {count_text(history.planned_steps)}" if history.planned_steps else ""
        found.append(Fact(name="steps", value=count_text(steps), note=of))
    if metrics is not None and metrics.tokens_per_second:
        tokens = f"{count_text(metrics.tokens)} in all"
        found.append(Fact(name="tokens per second", value=count_text(metrics.tokens_per_second), note=tokens))
    return found


def _metric(request: RunRequest, history: RunHistory) -> str:
    """Return the metric that chose the best state, with its split."""
    choice = history.choices.get(METRIC_CHOICE)
    asked = request.options.get("metric")
    name = str((choice and choice.value) or asked or request.headline)
    return name if "/" in name else f"dev/{name}"


def _charts(history: RunHistory, metric: str) -> list[Chart]:
    last_step = history.steps[-1].step if history.steps else 0
    best = _best_step(history, metric)
    charts = [
        loss_chart(history.steps),
        metric_chart(history.evaluations, metric, best_step=best, last_step=last_step),
        rate_chart(history.steps),
    ]
    return [chart for chart in charts if chart is not None]


def _best_step(history: RunHistory, metric: str) -> int | None:
    """Return the step whose state was kept as the best: of equal ones the later, as the training has it."""
    scored = [each for each in history.evaluations if metric in each.values]
    sign = -1 if is_lower_better(metric) else 1
    return max(scored, key=lambda each: (sign * each.values[metric], each.step)).step if scored else None


def _by_subject(tables: Sequence[TableRecord]) -> list[TableRecord]:
    """Return the tables so that what ``dev: labels`` and ``test: labels`` say can be read side by side."""
    subjects = [table.title.partition(": ")[2] or table.title for table in tables]
    order = {subject: number for number, subject in enumerate(dict.fromkeys(subjects))}
    paired = sorted(zip(subjects, tables, strict=True), key=lambda pair: order[pair[0]])
    return [table for _, table in paired]


def _phases(result: RunResult | None) -> Sequence[PhaseTime]:
    seconds = {} if result is None else {name: spent for name, spent in result.seconds.items() if spent > 0}
    total = sum(seconds.values())
    return [
        PhaseTime(name=_short(name), seconds=spent, share=spent / total) for name, spent in seconds.items()
    ]


def _short(text: str) -> str:
    return visible(cut(mask_secrets(text), 400))
