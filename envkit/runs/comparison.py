"""What sets runs apart: options, data, versions, scores, speed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from envkit.api import EnvkitError
from envkit.api.records import MetricsRecord
from envkit.masking import mask_secrets
from envkit.runs.folder import summarize_run
from envkit.runs.scored_data import find_unlike_data

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from envkit.runs.folder import RunSummary
    from envkit.worker.folder import RunFolder


class ComparedRun(msgspec.Struct, frozen=True, kw_only=True):
    """A run that is compared; ``created`` is an ISO 8601 time in UTC."""

    id: str
    folder: str
    task: str
    status: str
    created: str
    headline: str


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """Something that is not the same in all runs: a value a run, None where a run has none."""

    name: str
    values: list[Any]


class ComparedScore(msgspec.Struct, frozen=True, kw_only=True):
    """A metric in each run: values, their 95 % intervals, and how far each is from that of the first run."""

    metric: str
    is_headline: bool
    values: list[float | None]
    intervals: list[tuple[float, float] | None]
    differences: list[float | None]


class Figure(msgspec.Struct, frozen=True, kw_only=True):
    """A figure about each run itself, in the ``unit``: ``tokens/s``, ``s``, ``bytes``, ``steps``."""

    name: str
    unit: str
    values: list[float | None]


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """Runs side by side; every list of values is in the order of ``runs``.

    ``warnings`` say what keeps scores from being compared.
    """

    runs: list[ComparedRun]
    options: list[Difference]
    data: list[Difference]
    versions: list[Difference]
    scores: list[ComparedScore]
    figures: list[Figure]
    warnings: list[str] = []


def compare_runs(folders: Sequence[RunFolder]) -> Comparison:
    """Compare the runs in these folders, whether they have finished or not.

    Raises: UsageError for no run folder, EnvkitError for a damaged record.
    """
    runs = [summarize_run(folder) for folder in folders]
    records = [_read_metrics(run) for run in runs]
    return Comparison(
        runs=[_compared(run) for run in runs],
        options=_differences([_options(run) for run in runs]),
        data=_differences([_data(run, record) for run, record in zip(runs, records, strict=True)]),
        versions=_differences([_versions(run, record) for run, record in zip(runs, records, strict=True)]),
        scores=_scores(runs),
        figures=_figures(runs, records),
        warnings=find_unlike_data(runs, records),
    )


def _read_metrics(run: RunSummary) -> MetricsRecord | None:
    file = run.folder.metrics_file
    try:
        return msgspec.json.decode(file.read_bytes(), type=MetricsRecord) if run.result is not None else None
    except FileNotFoundError:
        return None
    except ValueError as error:  # msgspec's errors are ValueErrors
        raise EnvkitError(f"{file}: cannot be read: {error}", hint="Compare other runs") from error


def _compared(run: RunSummary) -> ComparedRun:
    return ComparedRun(
        id=run.request.id,
        folder=str(run.folder.path),
        task=run.request.task,
        status=run.status,
        created=run.request.created,
        headline=run.headline,
    )


def _differences(each: Sequence[dict[str, Any]]) -> list[Difference]:
    """Return what is not equal in all of them, in the order in which names first appear."""
    names = dict.fromkeys(name for values in each for name in values)
    rows = [Difference(name=name, values=[values.get(name) for values in each]) for name in names]
    return [row for row in rows if any(value != row.values[0] for value in row.values)]


def _options(run: RunSummary) -> dict[str, Any]:
    options = {
        name: mask_secrets(value) if isinstance(value, str) else value
        for name, value in run.request.options.items()
    }
    return {"task": run.request.task, **options}


def _data(run: RunSummary, record: MetricsRecord | None) -> dict[str, str]:
    """Return the hash of each file that was read, by the option that names it, else by its own name."""
    roles = {value: name for name, value in run.request.options.items() if isinstance(value, str)}
    files = [] if record is None else record.data
    return {roles.get(file.path, Path(file.path).name): file.sha256 for file in files}


def _versions(run: RunSummary, record: MetricsRecord | None) -> dict[str, str]:
    plugin = run.request.plugin
    found = {"envkit-ml": run.request.envkit, plugin.distribution: plugin.version}
    return found if record is None else {"Python": record.python, **found, **record.packages}


def _scores(runs: Sequence[RunSummary]) -> list[ComparedScore]:
    results = [run.result for run in runs]
    names = dict.fromkeys(name for result in results if result is not None for name in result.metrics)
    heads = {f"{split}/{run.headline}" for run in runs for split in ("dev", "test")}
    scores = []
    for name in names:
        values = [None if result is None else result.metrics.get(name) for result in results]
        first = values[0]
        scores.append(
            ComparedScore(
                metric=name,
                is_headline=name in heads,
                values=values,
                intervals=[None if result is None else result.intervals.get(name) for result in results],
                differences=[None if first is None or value is None else value - first for value in values],
            )
        )
    return sorted(scores, key=lambda score: not score.is_headline)


def _figures(runs: Sequence[RunSummary], records: Sequence[MetricsRecord | None]) -> list[Figure]:
    def of_records(read: Callable[[MetricsRecord], float | None]) -> list[float | None]:
        return [None if record is None else read(record) for record in records]

    seconds = [{} if run.result is None else run.result.seconds for run in runs]
    phases = dict.fromkeys(phase for each in seconds for phase in each)
    figures = [
        Figure(name="speed", unit="tokens/s", values=of_records(lambda record: record.tokens_per_second)),
        Figure(name="steps", unit="steps", values=of_records(lambda record: record.steps)),
        Figure(name="tokens", unit="tokens", values=of_records(lambda record: record.tokens)),
        Figure(name="memory", unit="bytes", values=of_records(lambda record: record.peak_memory_bytes)),
        Figure(name="GPU memory", unit="bytes", values=of_records(lambda record: record.peak_gpu_bytes)),
        Figure(name="time", unit="s", values=[sum(each.values()) if each else None for each in seconds]),
        *(
            Figure(name=f"time: {phase}", unit="s", values=[each.get(phase) for each in seconds])
            for phase in phases
        ),
    ]
    return [figure for figure in figures if _has_any(figure.values)]


def _has_any(values: Iterable[float | None]) -> bool:
    return any(value is not None for value in values)
