"""``envkit explain``: known troubles in a log, and what mends them."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import click
import msgspec

from envkit.api import DataError, UsageError
from envkit.cli import envelope
from envkit.cli.exits import labelled
from envkit.cli.streams import verdict
from envkit.explain import Explanation, explain_stream

_RUN_LOG = "worker.log"  # of a run's folder


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What was found, the most important first; ``file`` is ``-`` for standard input."""

    file: str
    explanations: list[Explanation]


@click.command()
@click.argument("file", required=False, metavar="[FILE|-]")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead.")
def command(file: str | None, as_json: bool) -> None:
    """Name known troubles in a log, and what mends them.

    FILE is a log of any program, or the folder of a run; - or nothing is standard input:

    \b
      python train.py 2>&1 | envkit explain

    Ends with 0 where something was found, with 1 where nothing was.
    """
    if file is None and sys.stdin.isatty():
        raise UsageError(
            "there is no log to look at",
            hint="Name a file, or send it one: COMMAND 2>&1 | envkit explain",
        )
    report = _look(file or "-")
    with verdict(0 if report.explanations else 1):
        if as_json:
            envelope.write(["explain"], data=report)
        else:
            _show(report)


def _look(file: str) -> Report:
    if file == "-":
        return Report(file="-", explanations=explain_stream(sys.stdin.buffer))
    path = Path(file).expanduser()
    if path.is_dir():
        path /= _RUN_LOG
    try:
        with path.open("rb") as stream:
            return Report(file=str(path), explanations=explain_stream(stream))
    except FileNotFoundError as error:
        given, what = Path(file).expanduser(), "no such file"
        if given.is_dir():
            what = (
                f"this folder is no run's: there is no {_RUN_LOG} in it. Name a log, or the folder of a run"
            )
        raise DataError(what, file=given, hint="The logs of runs: envkit runs list") from error
    except OSError as error:
        raise DataError(error.strerror or str(error), file=path) from error


def _show(report: Report) -> None:
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    if not report.explanations:
        click.echo("Nothing in it is known. The first error in a log often says more than the last.")
        return
    blocks = [_block(each, width=width) for each in report.explanations]
    click.echo("\n\n".join(blocks))


def _block(found: Explanation, *, width: int | None) -> str:
    word = "note" if found.level == "note" else "trouble"
    rows = [
        labelled(f"{word}: ", f"{found.title} [{found.id}]", width=width),
        labelled(f"  line {found.line_number}: ", _cut(found.line, width, found.line_number), width=None),
        labelled("  why: ", found.why, width=width),
        *(labelled("  fix: ", text, width=width) for text in found.fix),
        labelled("  more: ", found.link, width=None),
    ]
    return "\n".join(rows)


def _cut(line: str, width: int | None, number: int) -> str:
    """Return as much of the line as stands beside its number."""
    room = None if width is None else max(20, width - len(f"  line {number}: "))
    return line if room is None or len(line) <= room else f"{line[: room - 1]}…"
