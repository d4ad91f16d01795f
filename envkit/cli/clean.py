"""``envkit runs clean``: remove checkpoints that no run needs any more."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec

from envkit.api import EnvkitError, UsageError
from envkit.cli import envelope
from envkit.runs.folder import RUNS_DIR, find_run, list_runs, summarize_run

if TYPE_CHECKING:
    from collections.abc import Sequence

    from envkit.runs.clean import Cleaned
    from envkit.worker.folder import RunFolder


class CleanedRun(msgspec.Struct, frozen=True, kw_only=True):
    """A run as ``--json`` gives it: how many checkpoints were removed, and their size in bytes."""

    id: str
    folder: str
    checkpoints: int
    freed: int


class CleanedRuns(msgspec.Struct, frozen=True, kw_only=True):
    """What ``--json`` says: the runs that were looked at, and the bytes of all; a dry run removed none."""

    runs: list[CleanedRun]
    freed: int
    dry_run: bool


@click.command(name="clean", short_help="Remove the checkpoints of finished runs.")
@click.argument("runs", nargs=-1, metavar="[RUN]...")
@click.option("--dry-run", is_flag=True, help="Say what would be removed, and remove nothing.")
@click.option(
    "--force", is_flag=True, help="Also of a named run that is not finished; it cannot be resumed then."
)
@click.option(
    "--runs-dir",
    type=click.Path(path_type=Path),
    default=RUNS_DIR,
    show_default=True,
    metavar="DIR",
    help="Folder that holds the runs.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead.")
def command(runs: tuple[str, ...], dry_run: bool, force: bool, runs_dir: Path, as_json: bool) -> None:
    """Remove the checkpoints of finished runs, which nothing can use any more, and nothing else.

    Each RUN is a folder, an id, or the end of an id; without one, all finished runs are cleaned. A run that a
    worker is at work in is never touched.
    """
    from envkit.runs.clean import clean_run  # hashes and checkpoints, which other commands need not

    folders = _named(runs, runs_dir, is_forced=force) if runs else _finished(runs_dir, is_forced=force)
    cleaned: list[Cleaned] = []
    try:
        for folder in folders:
            cleaned.append(clean_run(folder, is_dry_run=dry_run))
    except EnvkitError:
        if not as_json and any(run.checkpoints for run in cleaned):  # those are gone, whatever came then
            print_cleaned(cleaned, is_dry_run=dry_run)
        raise
    if as_json:
        envelope.write(["runs", "clean"], data=_record(cleaned, is_dry_run=dry_run))
    else:
        print_cleaned(cleaned, is_dry_run=dry_run)


def print_cleaned(cleaned: Sequence[Cleaned], *, is_dry_run: bool) -> None:
    """Print what each run and all together had in checkpoints."""
    from envkit.cli import render

    found = [run for run in cleaned if run.checkpoints]
    if not found:
        click.echo("There are no checkpoints to remove.")
        return
    rows = [(run.id, str(run.checkpoints), render.size_text(run.freed)) for run in found]
    render.print_table(("RUN", "CHECKPOINTS", "SIZE"), rows)
    verb = "Would free" if is_dry_run else "Freed"
    click.echo(f"{verb} {render.size_text(sum(run.freed for run in found))}.")


def _named(names: Sequence[str], runs_dir: Path, *, is_forced: bool) -> list[RunFolder]:
    """Return the runs of these names, each once. Raises: UsageError, before anything is removed."""
    from envkit.runs.clean import busy_error

    folders = {
        folder.path.resolve(): folder for folder in (find_run(name, runs_dir=runs_dir) for name in names)
    }
    for folder in folders.values():
        status = summarize_run(folder).status
        if status == "running":
            raise busy_error(folder)
        if status != "finished" and not is_forced:
            from envkit.cli.outcome import run_name

            name = run_name(folder)
            raise UsageError(
                f"the run in {folder.path} is {status}, not finished: its checkpoints are needed to resume it",
                hint=f"To go on with it: envkit runs resume {name}\n"
                f"To remove them all the same: envkit runs clean {name} --force",
            )
    return list(folders.values())


def _finished(runs_dir: Path, *, is_forced: bool) -> list[RunFolder]:
    if is_forced:
        raise UsageError("--force is for runs that are named", hint="To see the runs: envkit runs list")
    if runs_dir != RUNS_DIR and not runs_dir.is_dir():
        raise UsageError(
            f"there is no folder {str(runs_dir)!r}", hint="Runs are kept where they were started"
        )
    return [run.folder for run in list_runs(runs_dir) if run.status == "finished"]


def _record(cleaned: Sequence[Cleaned], *, is_dry_run: bool) -> CleanedRuns:
    runs = [
        CleanedRun(id=run.id, folder=run.folder, checkpoints=run.checkpoints, freed=run.freed)
        for run in cleaned
    ]
    return CleanedRuns(runs=runs, freed=sum(run.freed for run in runs), dry_run=is_dry_run)
