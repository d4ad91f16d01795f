"""``envkit image show IMAGE``: what is in an image, who runs in it, and which step made which layer."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

import click

from envkit.cli import envelope

if TYPE_CHECKING:
    from collections.abc import Iterator

    from envkit.images.inspection.listing import ImageDetails

_COMMAND_WIDTH = 58  # beside number and size, within 80


@click.command(name="show", short_help="Show one: what is in it, and how large its layers are.")
@click.argument("image", metavar="IMAGE")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead.")
def command(image: str, as_json: bool) -> None:
    """Show IMAGE: what its labels say, who runs in it and what, and each layer with the step that made it."""
    from envkit.cli.env.surroundings import read_settings  # --help needs none of it
    from envkit.images.engine.engine import connect
    from envkit.images.engine.references import check_image
    from envkit.images.inspection.listing import show_image

    check_image(image)  # a bad name is one whether an engine answers or not
    details = show_image(image, engine=connect(), home=read_settings().home.absolute())
    if as_json:
        envelope.write(["image", "show"], data=details)
        return
    from envkit.cli import render

    render.print_pairs([*_contents(details), *_start(details), *_state(details)])
    click.echo()
    rows = [
        (
            str(layer.number),
            render.size_text(layer.size),
            _cut(f"{'(base) ' if layer.is_of_base else ''}{layer.command}"),
        )
        for layer in details.layers
    ]
    render.print_table(("LAYER", "SIZE", "MADE BY"), rows)


def _contents(details: ImageDetails) -> Iterator[tuple[str, str]]:
    """Yield what the labels say."""
    from envkit.images import layout

    image, labels = details.image, details.labels
    yield "image", ", ".join(image.names) or "it has no name any more"
    yield "id", image.id
    if not image.template:
        yield "made by", "not envkit: it has no such labels"
    else:
        says = labels.get(layout.DESCRIPTION_LABEL, "")
        yield "template", f"{image.template}: {says}" if says else image.template
        yield "made by", f"envkit {labels.get(layout.ENVKIT_LABEL, '(no version)')}"
    if image.tasks:
        yield "tasks", ", ".join(image.tasks)
    if plugins := labels.get(layout.PLUGINS_LABEL):
        yield "plugins", plugins.replace(",", ", ")
    if image.python:
        yield "python", image.python
    if image.torch:
        driver = labels.get(layout.DRIVER_LABEL)
        needs = f", for NVIDIA's driver {driver} or newer" if driver else ""
        variant = f" ({image.variant})" if image.variant else ""
        yield "torch", f"{image.torch}{variant}{needs}"
    if lock := labels.get(layout.LOCK_LABEL):
        yield "locked", f"by the envkit.lock whose sha256 is {lock}"
    if run := labels.get(layout.RUN_LABEL):
        yield "model", f"of the run {run}"
    if revision := labels.get(layout.REVISION_LABEL):
        yield "revision", revision


def _start(details: ImageDetails) -> Iterator[tuple[str, str]]:
    """Yield how its containers start."""
    yield "user", details.user or "root"
    if details.entrypoint:
        yield "entry point", shlex.join(details.entrypoint)
    if details.command:
        yield "command", shlex.join(details.command)
    yield "health check", shlex.join(details.health_check[1:]) or "none"
    if details.ports:
        yield "ports", ", ".join(details.ports)


def _state(details: ImageDetails) -> Iterator[tuple[str, str]]:
    from datetime import datetime

    from envkit.cli.image.list import used_text
    from envkit.cli.render import size_text

    image = details.image
    yield "platform", details.platform
    yield "made", f"{datetime.fromtimestamp(image.created):%Y-%m-%d %H:%M}"
    yield "last used", used_text(image)
    if image.containers:
        yield "containers", ", ".join(f"{each.name} ({each.state})" for each in image.containers)
    yield "size", size_text(image.size)
    if (base := details.base) is not None:
        if base.layers is None:
            shared = "which is not on this engine"
        elif base.layers == 0:
            shared = "whose image here is another now, and shares no layer"
        else:
            shared = f"{size_text(base.size)} of the size, shared with it"
        yield "base", f"{base.reference}, {shared}"


def _cut(command: str) -> str:
    return command if len(command) <= _COMMAND_WIDTH else f"{command[: _COMMAND_WIDTH - 1]}…"
