"""``envkit image check IMAGE``: whether an image is what was locked, and what it gives away."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click
import msgspec

from envkit.cli import envelope
from envkit.images.inspection.findings import ImageCheck

if TYPE_CHECKING:
    from envkit.images.inspection.findings import CheckedSubject


class Checked(msgspec.Struct, frozen=True, kw_only=True):
    """What ``--json`` says: the check, and whether there is no fault in it."""

    is_ok: bool
    check: ImageCheck


@click.command(name="check", short_help="Check one: packages, user, secrets, open files.")
@click.argument("image", metavar="IMAGE")
@click.option("--deep", is_flag=True, help="Every file of every package by its hash as well.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead.")
def command(image: str, deep: bool, as_json: bool) -> None:
    """Check IMAGE: packages against the lock in it, its user and health check, secrets, and files open to all.

    Secrets are looked for in every layer, also in files that a later one deletes, and in history, labels and
    variables. Ends with 1 where something is wrong.
    """
    from envkit.cli.progress import run_screen  # --help needs none of it
    from envkit.images.engine.engine import connect
    from envkit.images.inspection.check import check_image
    from envkit.images.inspection.listing import inspect_image

    engine = connect()
    attributes = inspect_image(engine, engine.image_id(image)) or {}
    total = int(attributes.get("Size") or 0)
    done = 0
    with run_screen(headline=image) as screen:
        screen.step(f"read {image}")

        def on_bytes(count: int) -> None:
            nonlocal done
            done += count
            screen.bytes(min(done, total), total, image)

        checked = check_image(image, engine=engine, is_deep=deep, on_bytes=on_bytes)
    if as_json:
        envelope.write(["image", "check"], data=Checked(is_ok=checked.is_ok, check=checked))
    else:
        _print(checked, image)
    if not checked.is_ok:
        raise click.exceptions.Exit(1)


def _print(checked: ImageCheck, image: str) -> None:
    from envkit.cli import render

    count = "1 layer" if checked.layers == 1 else f"{checked.layers} layers"
    click.echo(f"{image}, {render.size_text(checked.size)} in {count}\n")
    render.print_pairs([(subject.name, _verdict(subject)) for subject in checked.subjects])
    faults = [(subject, each) for subject in checked.subjects for each in subject.findings if each.is_fault]
    notes = [each for subject in checked.subjects for each in subject.findings if not each.is_fault]
    hints = []
    for subject, fault in faults:
        click.echo()
        render.print_pairs([(subject.name, fault.text), *([("in", fault.where)] if fault.where else [])])
        if fault.hint and fault.hint not in hints:
            hints.append(fault.hint)
    if notes:
        click.echo()
    for note in notes:
        click.echo(f"note: {note.text}" + (f", in {note.where}" if note.where else ""))
    click.echo()
    if not faults:
        click.echo("Nothing is wrong" + ("" if checked.is_deep else "; every file by its hash: --deep"))
        return
    click.echo("1 fault" if len(faults) == 1 else f"{len(faults)} faults")
    for hint in hints:
        click.echo(f"hint: {hint}")


def _verdict(subject: CheckedSubject) -> str:
    faults = sum(each.is_fault for each in subject.findings)
    verdict = "ok" if not faults else "1 fault" if faults == 1 else f"{faults} faults"
    return f"{verdict}: {subject.summary}"
