"""How a run ended, on the screen: scores, what explains them, where the time went, what to do next."""

from __future__ import annotations

import math
import re
import shlex
from typing import TYPE_CHECKING

import click
import msgspec
from rich.text import Text

from envkit.api import PluginError, RunCancelled, RunFailed, UsageError
from envkit.api.errors import LikelyCause
from envkit.api.records import DataReport, ErrorRecord, RunResult
from envkit.cli import envelope, render
from envkit.registry import describe
from envkit.runs.folder import RUNS_DIR
from envkit.runs.report import REPORT_FILE
from envkit.worker.folder import RunFolder

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

_LOG_LINES = 200


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What a run prints under ``--json`` when it has finished; ``warnings`` say what its scores hide."""

    id: str
    folder: str
    result: RunResult
    warnings: list[str] = []


def end_run(
    result: RunResult, *, folder: RunFolder, headline: str, command: Sequence[str], as_json: bool
) -> None:
    """Show how a run has ended. Raises: RunCancelled, RunFailed with what to do next, unless it finished."""
    keep_report(folder)
    if result.status == "finished" and as_json:
        envelope.write(command, data=_report(result, folder, headline=result.headline or headline))
        return
    go_on = None if result.status == "finished" else resume_hint(folder)
    if result.status == "cancelled":
        kept = (
            f"; the model so far: {render.path_text(folder.path / result.model_dir)}"
            if result.model_dir
            else ""
        )
        raise RunCancelled(f"the run was stopped{kept}", hint=go_on or f"envkit runs show {run_name(folder)}")
    if result.error is not None:
        if result.error.traceback and not as_json:
            click.echo(result.error.traceback.rstrip(), err=True)
        cause = find_cause(result.error, folder, task=result.task)
        hint = result.error.hint
        if hint is None or (cause is not None and result.error.exit_code == PluginError.exit_code):
            # What is known to go wrong is no fault of the plugin, which the hint would say.
            hint = f"The worker's log: {render.path_text(folder.log_file)}"
        raise RunFailed(
            result.error.message,
            hint=hint if go_on is None else f"{hint.rstrip('.')}. {go_on}",
            exit_code=result.error.exit_code,
            likely_cause=cause,
        )
    print_outcome(result, folder=folder.path, headline=headline)


def find_cause(error: ErrorRecord, folder: RunFolder, *, task: str) -> LikelyCause | None:
    """Return the known trouble that most likely ended a run: by the error's own words, else by the log's end.

    What the user got wrong in the command or the data says itself what it is.
    """
    if error.exit_code == UsageError.exit_code:
        return None
    from envkit.explain import explain_log  # a run that finishes never asks
    from envkit.runs.log import log_tail

    texts = [f"{error.traceback or ''}\n{error.message}"]
    if error.traceback is not None:
        texts.append("\n".join(log_tail(folder.log_file, _LOG_LINES)))
    for text in texts:
        for found in explain_log(text):
            if found.level == "error":
                fix = tuple(re.sub(r"\bTASK\b", task, each) for each in found.fix)
                return LikelyCause(id=found.id, title=found.title, fix=fix, line=found.line, link=found.link)
    return None


def _report(result: RunResult, folder: RunFolder, *, headline: str) -> Report:
    doubt = baseline_doubt(result, read_data(folder), headline=headline)
    return Report(
        id=folder.path.name,
        folder=str(folder.path),
        result=result,
        warnings=[] if doubt is None else [doubt],
    )


def keep_report(folder: RunFolder) -> None:
    """Write the report of a run that has ended; what stands in its way is a warning, and the run is done."""
    try:
        # With it comes the template engine, which showing a run does without.
        from envkit.runs.report.render import write_report

        write_report(folder)
    except Exception as error:  # noqa: BLE001 - a bug in a page must not fail hours of training
        click.echo(
            f"warning: the report could not be written: {describe(error)}. Try: envkit report {run_name(folder)}",
            err=True,
        )


def resume_hint(folder: RunFolder) -> str | None:
    """Return how to go on with a run that did not finish, None where it has no checkpoint."""
    from envkit.checkpoints import list_checkpoints  # a run that finishes never asks

    steps = [checkpoint.step for checkpoint in list_checkpoints(folder.path) if checkpoint.kind == "step"]
    return f"To go on from step {steps[-1]}: envkit runs resume {run_name(folder)}" if steps else None


def run_name(folder: RunFolder) -> str:
    """Return the shortest name by which the command line finds the run, quoted for a shell."""
    is_in_place = folder.path.parent == RUNS_DIR.absolute()
    return shlex.quote(folder.path.name if is_in_place else render.path_text(folder.path))


def headline_scores(metrics: Mapping[str, float], *, headline: str) -> list[tuple[str, str]]:
    """Return the headline metric of each split that has it, as shown."""
    names = [f"{split}/{headline}" for split in ("dev", "test")]
    return [(name, f"{metrics[name]:.4f}") for name in names if name in metrics]


def shown_scores(
    metrics: Mapping[str, float], *, headline: str, tables: Sequence[object]
) -> list[tuple[str, str]]:
    """Return the headline metrics, and all others of dev and test where no table of the task's says them."""
    heads = headline_scores(metrics, headline=headline)
    if heads and tables:
        return heads
    known = {name for name, _ in heads}
    return heads + [
        (name, f"{score:.4f}")
        for name, score in metrics.items()
        if name not in known and not name.startswith("train/")
    ]


def read_data(folder: RunFolder) -> DataReport | None:
    """Return what a look over the run's data has found, None where none was taken or it cannot be read."""
    try:
        return msgspec.json.decode(folder.data_file.read_bytes(), type=DataReport)
    except (OSError, ValueError):  # msgspec's errors are ValueErrors
        return None


def baseline_doubt(result: RunResult, data: DataReport | None, *, headline: str) -> str | None:
    """Say where the model is no better than one that always says the same; None where it is, or none can tell."""
    baseline = None if data is None else data.baseline
    if baseline is None:
        return None
    found = [
        f"{name} is no better than always {baseline.prediction!r} ({baseline.metrics[name]:.4f})"
        for name in (f"{split}/{headline}" for split in ("dev", "test"))
        if name in result.metrics and result.metrics[name] <= baseline.metrics.get(name, -math.inf)
    ]
    return "; ".join(found) or None


def interval_text(bounds: tuple[float, float] | None) -> str:
    """Return the bounds of a score as they stand behind it, empty for none."""
    return "" if bounds is None else f"   95 % between {bounds[0]:.4f} and {bounds[1]:.4f}"


def print_outcome(result: RunResult, *, folder: Path, headline: str) -> None:
    """Print tables, scores and times of a run that has ended."""
    headline = result.headline or headline
    console = render.screen()
    for table in result.tables:
        render.print_record_table(table, console=console)
    console.print()
    pairs = [
        (name, score + interval_text(result.intervals.get(name)))
        for name, score in shown_scores(result.metrics, headline=headline, tables=result.tables)
    ]
    if (doubt := baseline_doubt(result, read_data(RunFolder(folder)), headline=headline)) is not None:
        pairs += [("warning", doubt)]
    pairs += [("run", render.path_text(folder))]
    if result.model_dir is not None:
        pairs += [("model", render.path_text(folder / result.model_dir))]
    if (folder / REPORT_FILE).exists():
        pairs += [("report", render.path_text(folder / REPORT_FILE))]
    if result.seconds:
        parts = [f"{name} {render.seconds_text(seconds)}" for name, seconds in result.seconds.items()]
        pairs += [("time", "  ".join(parts))]
    render.print_pairs(pairs, console=console)
    if result.error is not None:
        if result.error.traceback:
            console.print(Text(f"\n{result.error.traceback.rstrip()}\n"))
        pairs = [("error", result.error.message)]
        render.print_pairs(
            [*pairs, ("hint", result.error.hint)] if result.error.hint else pairs, console=console
        )
