"""``envkit image list``: the images that envkit built."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import click

from envkit.cli import envelope

if TYPE_CHECKING:
    from collections.abc import Iterator

    from envkit.images.inspection.listing import ImageLine


@click.command(name="list", short_help="List the images that envkit built.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead.")
def command(as_json: bool) -> None:
    """List the images that envkit built, the newest first.

    USED is when one was last made, tagged, or used by envkit (as in envkit run --env docker:IMAGE): what docker
    run alone starts is only seen while its container is there.
    """
    from envkit.cli.env.surroundings import read_settings  # --help needs none of it
    from envkit.images.engine.engine import connect
    from envkit.images.inspection.listing import list_images

    home = read_settings().home.absolute()
    engine = connect()
    found = list_images(engine, home=home)
    if as_json:
        envelope.write(["image", "list"], data=found)
        return
    if not found:
        click.echo(
            f"No image of envkit's on this engine ({engine.endpoint})\nTo build one: envkit build --task ner"
        )
        return
    from envkit.cli import render

    rows = [row for line in found for row in _rows(line, render.size_text(line.size), now=datetime.now())]
    render.print_table(("IMAGE", "TEMPLATE", "TASKS", "TORCH", "SIZE", "MADE", "USED"), rows)


def used_text(line: ImageLine) -> str:
    """Return when an image was last used, to the minute, as far as that can be known."""
    if line.is_in_use:
        return "in use"
    return f"{datetime.fromtimestamp(line.last_used):%Y-%m-%d %H:%M}, as far as envkit knows"


def _rows(line: ImageLine, size: str, *, now: datetime) -> Iterator[tuple[str, ...]]:
    """Yield a row for an image, and one for each further name that it has."""
    from envkit.cli.env.list import short_time

    made = short_time(datetime.fromtimestamp(line.created), now=now)
    used = "in use" if line.is_in_use else short_time(datetime.fromtimestamp(line.last_used), now=now)
    torch = line.torch or "-"
    if line.torch and line.variant and "+" not in line.torch:
        torch = f"{line.torch} {line.variant}"
    yield line.name, line.template, ",".join(line.tasks) or "-", torch, size, made, used
    for other in line.names[1:]:
        yield other, "", "", "", "", "", ""
