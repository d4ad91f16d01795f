"""``envkit report``: write the page of a run."""

from __future__ import annotations

from pathlib import Path

import click
import msgspec

from envkit.api import UsageError
from envkit.cli import envelope
from envkit.runs.folder import RUNS_DIR, find_run


class WrittenReport(msgspec.Struct, frozen=True, kw_only=True):
    """What ``--json`` says: the run, and where its page is; ``size`` in bytes."""

    id: str
    folder: str
    report: str
    size: int


@click.command()
@click.argument("run")
@click.option(
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="File to write. [default: report.html in the run's folder]",
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
def command(run: str, output: Path | None, runs_dir: Path, as_json: bool) -> None:
    """Write the report of a run: one HTML page that needs no network.

    RUN is a folder, an id, or the end of an id. Each run writes its report when it ends; this writes it anew,
    also of a run that goes on.
    """
    from envkit.cli.render import path_text
    from envkit.runs.report.render import write_report  # with it comes the template engine

    folder = find_run(run, runs_dir=runs_dir)
    if output is not None and not output.absolute().parent.is_dir():
        raise UsageError(
            f"there is no folder {str(output.absolute().parent)!r}",
            hint="Make it first, or name another with --output",
        )
    file = write_report(folder, file=None if output is None else output.absolute())
    if as_json:
        data = WrittenReport(
            id=folder.path.name, folder=str(folder.path), report=str(file), size=file.stat().st_size
        )
        envelope.write(["report"], data=data)
        return
    click.echo(path_text(file))
