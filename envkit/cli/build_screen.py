"""How an image looks on a screen while it is built, and what there is when it is done."""

from __future__ import annotations

import shlex
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec

from envkit.cli import envelope, render
from envkit.cli.env.screen import count_text
from envkit.images.building.output import BuildStep
from envkit.images.inspection.listing import short_id
from envkit.images.layout import IMAGE_PREFIX, JUPYTER_PORT, PREDICT_PORT
from envkit.images.sizes import disk_size, download_size

if TYPE_CHECKING:
    from envkit.cli.build_request import BuildWish
    from envkit.images.building.build import BuiltImage
    from envkit.images.building.builders import Builder
    from envkit.images.records import ImageMode, ImagePlan


@dataclass(frozen=True, kw_only=True)
class Order:
    """An image as it is to be built: its plan, rendered, and its names."""

    plan: ImagePlan
    dockerfile: str
    mode: ImageMode
    tags: tuple[str, ...]


class ImageLine(msgspec.Struct, frozen=True, kw_only=True):
    """What ``--json`` says of an image that is planned, written or built; sizes are in bytes.

    ``download`` is at most that much and ``disk`` about that much, the base image left out. ``id``, ``size`` and what
    follows are of an image that was built.
    """

    template: str
    tags: tuple[str, ...]
    base: str
    mode: str
    tasks: tuple[str, ...]
    python: str
    torch: str | None
    lock: str
    packages: int
    user: str
    labels: dict[str, str]
    download: int
    disk: int
    secrets: tuple[str, ...] = ()
    run: str = ""
    notes: tuple[str, ...] = ()
    context: str = ""
    id: str = ""
    size: int | None = None
    builder: str = ""
    seconds: float | None = None
    is_pushed: bool = False
    steps: tuple[BuildStep, ...] = ()


def image_line(order: Order) -> ImageLine:
    """Return the record of an image that is not built yet."""
    plan, contents = order.plan, order.plan.contents
    return ImageLine(
        template=plan.template.name,
        tags=order.tags,
        base=plan.base.reference,
        mode=order.mode,
        tasks=contents.tasks,
        python=contents.python,
        torch=contents.torch.version if contents.torch is not None else None,
        lock=contents.lock_sha256,
        packages=len(contents.packages) + len(contents.hosts),
        user=f"{plan.user_id}:{plan.group_id}",
        labels=dict(plan.labels),
        download=download_size(contents),
        disk=disk_size(contents),
        secrets=tuple(each.id for each in plan.secrets),
        run=contents.run_id,
        notes=contents.notes,
    )


def print_plan(order: Order, *, as_json: bool) -> None:
    """Print what would be in the image, and how large it would be."""
    line = image_line(order)
    if as_json:
        envelope.write(["build"], data=line)
        return
    pairs = [("image", ", ".join(line.tags)), *_common(order, line)]
    pairs.append(("download", f"at most {render.size_text(line.download)}; less where a cache has it"))
    pairs.append(("disk", f"about {render.size_text(line.disk)}, and the base image"))
    if line.secrets:
        pairs.append(("secrets", f"{', '.join(line.secrets)}: mounted while a step runs, in no layer"))
    render.print_pairs(pairs)


def print_written(
    order: Order, wish: BuildWish, folder: Path, *, builder: Builder | None, as_json: bool
) -> None:
    """Print where the context is, and how it is built by hand; ``builder`` is None where no engine answers."""
    line = msgspec.structs.replace(image_line(order), context=str(folder))
    if as_json:
        envelope.write(["build"], data=line)
        return
    render.print_pairs([("context", str(folder)), *_common(order, line)])
    click.echo()
    # A name that envkit chose may be another image's already: it is the user who replaces that.
    tags = [word for tag in wish.tags for word in ("-t", tag)] or ["-t", "NAME"]
    words = [*tags, *(("--platform", wish.platform) if wish.platform else ())]
    for name, value in order.plan.build_args.items():
        words += ["--build-arg", f"{name}={value}"]
    for name in line.secrets:
        words += ["--secret", f"id={name},src=FILE"]
    click.echo(f"Next: {client_words(order.mode, builder)} {shlex.join([*words, str(folder)])}")


def client_words(mode: ImageMode, builder: Builder | None, *, path: str | None = None) -> str:
    """Return how docker's client is called to build with the builder that was found to work."""
    binary = None if builder is None else builder.binary
    first = shutil.which("docker", path=path)
    is_first = binary is None or (first is not None and Path(first).resolve() == binary.resolve())
    client = "docker" if is_first else shlex.quote(str(binary))
    if builder is not None and builder.name == "buildx":
        return f"{client} buildx build --load"
    return f"DOCKER_BUILDKIT={1 if mode == 'buildkit' else 0} {client} build"


def print_built(order: Order, built: BuiltImage, *, builder: Builder, is_pushed: bool, as_json: bool) -> None:
    """Print what was built and what to do with it."""
    line = msgspec.structs.replace(
        image_line(order),
        id=built.id,
        size=built.size,
        builder=builder.name,
        seconds=round(built.seconds, 3),
        is_pushed=is_pushed,
        steps=built.steps,
        notes=(*order.plan.contents.notes, *map(unnamed_text, built.unnamed)),
    )
    if as_json:
        envelope.write(["build"], data=line)
        return
    cached = sum(step.is_cached for step in built.steps)
    pairs = [("image", ", ".join(line.tags)), ("id", built.id.removeprefix("sha256:")[:12])]
    pairs += [("size", f"{render.size_text(built.size)}, its base included"), *_common(order, line)]
    steps = f"{len(built.steps)} steps, {cached} of them cached"
    pairs.append(("built", f"in {render.seconds_text(built.seconds)} by {builder.name}: {steps}"))
    pairs += [("replaced", unnamed_text(each)) for each in built.unnamed]
    if is_pushed:
        pairs.append(("pushed", ", ".join(line.tags)))
    render.print_pairs(pairs)
    click.echo()
    for number, command in enumerate(_next(order)):
        click.echo(f"{'      ' if number else 'Next: '}{command}")


def unnamed_text(image_id: str) -> str:
    """Return what became of an image that lost its last name to this one, and how to remove it."""
    return f"{short_id(image_id)}, which has no name now: envkit image remove {short_id(image_id)}"


def _common(order: Order, line: ImageLine) -> list[tuple[str, str]]:
    contents = order.plan.contents
    what = f"{line.template}, {order.plan.template.summary.rstrip('.')}"
    pairs = [("template", what), ("base", f"{line.base}, Python {line.python}")]
    if line.tasks:
        pairs.append(("tasks", ", ".join(line.tasks)))
    if contents.torch is not None:
        pairs.append(("torch", f"{contents.torch.version}: {contents.torch.reason}"))
    pairs.append(("packages", f"{count_text(line.packages)}, locked as {line.lock[:12]}"))
    if line.run:
        pairs.append(("run", line.run))
    pairs.append(("user", line.user))
    return pairs


def _next(order: Order) -> list[str]:
    tag = order.tags[0].removesuffix(":latest")
    name, tasks = order.plan.template.name, order.plan.contents.tasks
    if name == "predict":
        return [
            f"docker run --rm -i {tag} < texts.txt",
            f"docker run --rm -p {PREDICT_PORT}:{PREDICT_PORT} {tag}",
        ]
    if name == "jupyter":
        return [f'docker run --rm -p 127.0.0.1:{JUPYTER_PORT}:{JUPYTER_PORT} -v "$PWD":/work {tag}']
    running = [f"envkit run {task} --env {IMAGE_PREFIX}{tag}" for task in tasks[:1]] if name == "task" else []
    return [*running, f"envkit image show {tag}"]
