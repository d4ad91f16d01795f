"""``envkit runs track``: show a run in a tracker, while it goes on or afterwards."""

from __future__ import annotations

from pathlib import Path

import click

from envkit.runs.folder import RUNS_DIR, find_run


@click.command(name="track", short_help="Feed a run's events to a tracker.")
@click.argument("run")
@click.option(
    "--to",
    "names",
    type=click.Choice(["tensorboard", "wandb"]),
    multiple=True,
    required=True,
    help="The tracker; may be given more than once.",
)
@click.option(
    "--runs-dir",
    type=click.Path(path_type=Path),
    default=RUNS_DIR,
    show_default=True,
    metavar="DIR",
    help="Folder that holds the runs.",
)
def command(run: str, names: tuple[str, ...], runs_dir: Path) -> None:
    """Feed a run's events to a tracker, from the first on: all of them where the run is over, and as they come
    while it goes on. RUN is a folder, an id, or the end of an id.
    """
    from envkit.api import RunFailed, UsageError
    from envkit.runs.trackers.kinds import TRACKERS, check_trackers
    from envkit.runs.trackers.process import log_file, start_tracker, wait_for_trackers

    folder = find_run(run, runs_dir=runs_dir)
    chosen = tuple(dict.fromkeys(names))
    check_trackers(chosen)
    folder.read_request()
    if not folder.events_file.exists():
        raise UsageError(
            f"the run in {folder.path} has no events yet", hint=f"envkit runs show {folder.path.name}"
        )
    trackers = []
    try:
        for name in chosen:
            trackers.append(start_tracker(name, folder))
        failed = wait_for_trackers(trackers, on_message=lambda message: click.echo(message.text, err=True))
    finally:
        for tracker in trackers:
            tracker.kill()
    if failed:
        titles = " and ".join(TRACKERS[name].title for name in failed)
        raise RunFailed(f"{titles} did not get the run", hint=f"What was printed: {log_file(folder)}")
    for name in chosen:
        click.echo(f"{folder.path.name} -> {name}: {folder.path / name}")
