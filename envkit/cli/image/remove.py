"""``envkit image remove IMAGE…``: remove images that envkit built, asking first."""

from __future__ import annotations

import shutil
import sys
import time
from typing import TYPE_CHECKING

import click
import msgspec

from envkit.api import UsageError
from envkit.cli import envelope
from envkit.cli.ages import read_age
from envkit.cli.exits import labelled

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from envkit.images.engine.engine import Engine
    from envkit.images.inspection.removal import RemovableImage


class RemovedImage(msgspec.Struct, frozen=True, kw_only=True):
    """An image that was removed; where ``is_whole`` is False only these names of it were."""

    id: str
    names: tuple[str, ...]
    is_whole: bool
    size: int


class Removed(msgspec.Struct, frozen=True, kw_only=True):
    """What ``--json`` says; ``freed`` is in bytes, under ``dry_run`` what would become free."""

    dry_run: bool
    images: tuple[RemovedImage, ...]
    freed: int
    notes: tuple[str, ...]


@click.command(name="remove", short_help="Remove images.")
@click.argument("images", metavar="[IMAGE...]", nargs=-1)
@click.option(
    "--unused-for",
    metavar="DAYS",
    help="Only what envkit did not use for that long, as in 30d; without IMAGE, of all. What docker run alone "
    "starts is not seen, so that images of other templates than task stay unless they are named.",
)
@click.option("--dangling", is_flag=True, help="Only those whose name another image took.")
@click.option("--dry-run", is_flag=True, help="Only say what would be removed.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead.")
def command(
    images: tuple[str, ...], unused_for: str | None, dangling: bool, dry_run: bool, yes: bool, as_json: bool
) -> None:
    """Remove images that envkit built, and say how much that frees.

    One that a container is made of stays, as do the images of others. Of an image with several names, those
    that are not named stay.
    """
    if not images and unused_for is None and not dangling:
        raise UsageError(
            "no image is named", hint="envkit image remove IMAGE, or --unused-for 30d, or --dangling"
        )
    from envkit.cli.env.asking import confirm
    from envkit.cli.env.surroundings import read_settings
    from envkit.images.engine.engine import connect
    from envkit.images.engine.references import check_image
    from envkit.images.inspection.removal import freed_bytes, refuse_used, remove_images

    home = read_settings().home.absolute()
    for image in images:  # a bad name is one whether an engine answers or not
        check_image(image)
    engine = connect()
    chosen, notes = _choose(engine, images, unused_for=unused_for, is_dangling=dangling, home=home)
    refuse_used(chosen)
    width = shutil.get_terminal_size().columns if sys.stderr.isatty() else None
    for note in notes if not as_json else ():
        click.echo(labelled("note: ", note, width=width), err=True)
    if not chosen and not as_json:
        click.echo("There is no such image of envkit's")
        return
    freed = freed_bytes(engine, chosen)
    if not as_json and (dry_run or not yes):
        _print_chosen(chosen, freed)
    listed = ", ".join(each.title for each in chosen)
    if chosen and not dry_run:
        if not yes:
            confirm(f"Remove {listed}?", otherwise=f"{listed} would be removed", as_json=as_json)
        remove_images(engine, chosen, home=home)
    if as_json:
        envelope.write(
            ["image", "remove"],
            data=Removed(
                dry_run=dry_run, images=tuple(_removed(each) for each in chosen), freed=freed, notes=notes
            ),
        )
    elif dry_run:
        click.echo("Nothing was removed: --dry-run")
    else:
        from envkit.cli import render

        click.echo(f"Removed {listed}: {render.size_text(freed)} freed")


def _choose(
    engine: Engine, references: Sequence[str], *, unused_for: str | None, is_dangling: bool, home: Path
) -> tuple[tuple[RemovableImage, ...], tuple[str, ...]]:
    """Return what is to be removed, and why others stay."""
    from envkit.cli.image.list import used_text
    from envkit.images.inspection.removal import all_removable, find_removable

    found = find_removable(engine, references, home=home) if references else all_removable(engine, home=home)
    if unused_for is None and not is_dangling:
        return found, ()
    before = None if unused_for is None else time.time() - read_age(unused_for)
    chosen, notes, unseen = [], [], []
    for each in found:
        line = each.image
        if is_dangling and line.names:
            why = "has a name"
        elif before is not None and (line.is_in_use or line.last_used >= before):
            why = "is in use" if line.is_in_use else f"was last used {used_text(line)}"
        elif line.containers:
            why = f"is what the container {line.containers[0].name} was made of"
            notes.append(f"{each.title} stays: it {why}")
            continue
        elif before is not None and line.is_used_unseen and not references:
            unseen.append(each)
            continue
        else:
            chosen.append(each)
            continue
        if references:
            notes.append(f"{each.title} stays: it {why}")
    if unseen:
        notes.append(_unseen_note(unseen))
    return tuple(chosen), tuple(notes)


def _unseen_note(unseen: Sequence[RemovableImage]) -> str:
    """Say why images stay that docker run alone starts, and how to remove them."""
    titles = ", ".join(each.title for each in unseen)
    templates = ", ".join(sorted({each.image.template for each in unseen}))
    words = " ".join(name for each in unseen for name in each.names or (each.title,))
    return (
        f"{titles} stay: envkit does not see when docker run starts images of the template {templates}. "
        f"To remove what you do not use: envkit image remove {words}"
    )


def _print_chosen(chosen: Sequence[RemovableImage], freed: int) -> None:
    from envkit.cli import render
    from envkit.cli.image.list import used_text

    for each in chosen:
        size = render.size_text(each.image.size) if each.is_whole else "only the name"
        click.echo(f"{each.title}  {size}, last used {used_text(each.image)}")
    click.echo(f"That frees {render.size_text(freed)}")


def _removed(each: RemovableImage) -> RemovedImage:
    return RemovedImage(id=each.image.id, names=each.names, is_whole=each.is_whole, size=each.image.size)
