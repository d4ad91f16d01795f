"""``envkit image check IMAGE``: whether an image is what was locked, and what it gives away."""

from __future__ import annotations

import shutil
import sys
from typing import TYPE_CHECKING

import click
import msgspec

from envkit.cli import envelope
from envkit.cli.streams import verdict
from envkit.images.inspection.findings import ImageCheck

if TYPE_CHECKING:
    from collections.abc import Callable

    from envkit.cli.progress import RunScreen
    from envkit.images.inspection.findings import CheckedSubject, ImageFinding

# How often it is said how far the reading is: a bar moves often, a log has a few lines.
_MOVES_OF_A_BAR, _LINES_OF_A_LOG = 200, 4


class Checked(msgspec.Struct, frozen=True, kw_only=True):
    """What ``--json`` says: the check, and how many faults are in it; the exit code is 1 where there are any."""

    faults: int
    check: ImageCheck


@click.command(name="check", short_help="Check one: packages, user, secrets, open files.")
@click.argument("image", metavar="IMAGE")
@click.option("--deep", is_flag=True, help="Every file of every package by its hash as well.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead.")
def command(image: str, deep: bool, as_json: bool) -> None:
    """Check IMAGE: packages against the lock in it, its user and health check, secrets, and files open to all.

    Secrets are looked for in every layer, also in files that a later one deletes, and in history, labels and
    variables. An image that envkit did not build has no lock, so that its packages are not compared. Ends with 1
    where something is wrong.
    """
    from envkit.cli.progress import run_screen  # --help needs none of it
    from envkit.images.engine import references
    from envkit.images.engine.engine import connect
    from envkit.images.inspection.check import check_image
    from envkit.images.inspection.listing import inspect_image

    references.check_image(image)  # a bad name is one whether an engine answers or not
    engine = connect()
    attributes = inspect_image(engine, engine.image_id(image)) or {}
    total = int(attributes.get("Size") or 0)
    with run_screen(headline=image) as screen:
        screen.step(f"read {image}")
        on_bytes = count_bytes(screen, total, image, is_live=sys.stderr.isatty())
        checked = check_image(image, engine=engine, is_deep=deep, on_bytes=on_bytes)
    with verdict(0 if checked.is_ok else 1):
        if as_json:
            envelope.write(["image", "check"], data=Checked(faults=checked.faults, check=checked))
        else:
            print_check(checked, image)


def count_bytes(screen: RunScreen, total: int, image: str, *, is_live: bool) -> Callable[[int], None]:
    """Return what hears of pieces of an image, and shows how far it is; a log without bar hears of quarters."""
    moves = _MOVES_OF_A_BAR if is_live else _LINES_OF_A_LOG
    done = shown = 0

    def on_bytes(count: int) -> None:
        nonlocal done, shown
        done = min(done + count, total)
        now = done * moves // total if total else 0
        if now > shown:
            shown = now
            screen.bytes(done, total, image)

    return on_bytes


def print_check(checked: ImageCheck, image: str) -> None:
    from envkit.cli import render
    from envkit.images.inspection.findings import counted

    click.echo(f"{image}, {render.size_text(checked.size)} in {counted(checked.layers, 'layer')}")
    if not checked.is_of_envkit:
        _say("note: ", "this image was not built by envkit: there is no lock to compare its packages with")
    click.echo()
    render.print_pairs([(subject.name, _verdict(subject)) for subject in checked.subjects])
    for subject in checked.subjects:
        _print_faults(subject)
    notes = [each for subject in checked.subjects for each in subject.findings if not each.is_fault]
    if notes:
        click.echo()
    for note in notes:
        _say("note: ", note.text + (f", in {note.where}" if note.where else ""))
    click.echo()
    if checked.is_ok:
        click.echo("Nothing is wrong" + ("" if checked.is_deep else "; every file by its hash: --deep"))
    else:
        click.echo(counted(checked.faults, "fault"))


def _print_faults(subject: CheckedSubject) -> None:
    """Print each fault of a subject with what to do; of several in a row with the same hint, under the last."""
    faults = [each for each in subject.findings if each.is_fault]
    width = max(len(subject.name), len("hint:")) + 2
    for fault, after in zip(faults, [*faults[1:], None], strict=False):
        is_told_later = after is not None and after.hint == fault.hint
        click.echo()
        for name, text in _lines(subject, fault, with_hint=not is_told_later):
            _say(name.ljust(width), text)


def _lines(subject: CheckedSubject, fault: ImageFinding, *, with_hint: bool) -> list[tuple[str, str]]:
    lines = [(subject.name, fault.text), ("in", fault.where), ("hint:", fault.hint if with_hint else "")]
    return [(name, text) for name, text in lines if text]


def _say(label: str, text: str) -> None:
    """Print a text behind its label; on a terminal it wraps at words, never within a path or command."""
    from envkit.cli.exits import labelled

    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    click.echo(labelled(label, text, width=width))


def _verdict(subject: CheckedSubject) -> str:
    from envkit.images.inspection.findings import counted

    verdict = "ok" if subject.is_ok else counted(subject.faults, "fault")
    return f"{verdict}: {subject.summary}"
