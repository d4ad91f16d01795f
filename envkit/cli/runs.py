"""``envkit runs``: the runs of this folder, one of them in full, going on with one, and cleaning up."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec

from envkit.api import UsageError
from envkit.api.records import RunRequest, RunResult
from envkit.cli import clean, compare, envelope, track
from envkit.runs.folder import RUNS_DIR, find_run, list_runs, summarize_run
from envkit.runs.progress import read_progress
from envkit.runs.report import REPORT_FILE

if TYPE_CHECKING:
    from envkit.runs.folder import RunSummary

_runs_dir = click.option(
    "--runs-dir",
    type=click.Path(path_type=Path),
    default=RUNS_DIR,
    show_default=True,
    metavar="DIR",
    help="Folder that holds the runs.",
)
_as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON instead.")


class RunLine(msgspec.Struct, frozen=True, kw_only=True):
    """A run as ``--json`` gives it; ``result`` is None while there is none."""

    id: str
    folder: str
    status: str
    request: RunRequest
    result: RunResult | None


@click.group()
def command() -> None:
    """Look at the runs of this folder, go on with one, and clean up."""


command.add_command(track.command)
command.add_command(compare.command)
command.add_command(clean.command)


@command.command(name="list")
@_runs_dir
@_as_json
def list_command(runs_dir: Path, as_json: bool) -> None:
    """List the runs, oldest first."""
    if runs_dir != RUNS_DIR and not runs_dir.is_dir():
        raise UsageError(
            f"there is no folder {str(runs_dir)!r}", hint="Runs are kept where they were started"
        )
    runs = list_runs(runs_dir)
    if as_json:
        envelope.write(["runs", "list"], data=[_line(run) for run in runs])
        return
    if not runs:
        click.echo(f"No run in {runs_dir}. Start one with: envkit run ner")
        return
    from envkit.cli import render

    rows = [(run.folder.path.name, run.request.task, run.status, _took(run), _scores(run)) for run in runs]
    render.print_table(("RUN", "TASK", "STATUS", "TOOK", "SCORES, OR WHY"), rows)


@command.command(name="show", short_help="Show one run.")
@click.argument("run")
@_runs_dir
@_as_json
def show_command(run: str, runs_dir: Path, as_json: bool) -> None:
    """Show one run: what was asked, how it ended. RUN is a folder, an id, or the end of an id."""
    found = summarize_run(find_run(run, runs_dir=runs_dir))
    if as_json:
        envelope.write(["runs", "show"], data=_line(found))
        return
    from envkit.cli import outcome, render

    request = found.request
    chosen = {
        name: value for name, value in request.options.items() if request.sources.get(name) != "default"
    }
    pairs = [
        ("task", f"{request.task}, by {request.plugin.distribution} {request.plugin.version}"),
        ("started", request.created),
        ("environment", request.environment.reason),
        *((name, f"{value}   from {request.sources[name]}") for name, value in chosen.items()),
        ("status", found.status),
    ]
    progress = read_progress(found.folder)
    if progress.step and progress.steps:
        pairs.append(("steps", f"{progress.step} of {progress.steps}"))
    go_on = outcome.resume_hint(found.folder)
    if go_on is not None and found.status not in ("finished", "running"):
        pairs.append(("checkpoint", go_on))
    if found.status != "running" and not (found.folder.path / REPORT_FILE).exists():
        # The host writes it, once the worker has ended: it was killed before.
        pairs.append(
            ("report", f"none was written; to make it: envkit report {outcome.run_name(found.folder)}")
        )
    render.print_pairs(pairs)
    if found.result is not None:
        outcome.print_outcome(found.result, folder=found.folder.path, headline=request.headline)


@command.command(name="resume", short_help="Go on with a run that did not finish.")
@click.argument("run")
@click.option("--force", is_flag=True, help="Go on although data, options, packages or threads have changed.")
@_runs_dir
@_as_json
def resume_command(run: str, force: bool, runs_dir: Path, as_json: bool) -> None:
    """Go on with a run that was stopped, failed or crashed, from its newest checkpoint.

    RUN is a folder, an id, or the end of an id. The run goes on in its own folder, with its own options and
    environment, and ends as if it had never stopped; without a checkpoint it starts over.
    """
    from envkit.cli.resume import resume_run  # with it comes all that a run needs

    resume_run(find_run(run, runs_dir=runs_dir), is_forced=force, as_json=as_json)


def _line(run: RunSummary) -> RunLine:
    return RunLine(
        id=run.request.id,
        folder=str(run.folder.path),
        status=run.status,
        request=run.request,
        result=run.result,
    )


def _took(run: RunSummary) -> str:
    from envkit.cli.render import seconds_text

    return seconds_text(sum(run.result.seconds.values())) if run.result else ""


def _scores(run: RunSummary) -> str:
    from envkit.cli.outcome import headline_scores

    if run.result is not None and run.result.error is not None:
        return run.result.error.message.splitlines()[0]
    scores = headline_scores(run.result.metrics if run.result else {}, headline=run.headline)
    return "  ".join(f"{name} {score}" for name, score in scores)
