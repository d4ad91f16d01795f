"""Build an image: what is asked for, the engine, the plan, then what the way says."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from envkit.api import ImageError
from envkit.cli import build_screen, envelope
from envkit.cli.build_lines import BuildLines
from envkit.cli.build_request import check_words, read_request
from envkit.cli.build_screen import Order
from envkit.cli.env.surroundings import read_planning, read_settings
from envkit.cli.progress import run_screen
from envkit.images.building.build import build_image
from envkit.images.building.build_folder import build_folder
from envkit.images.building.builders import CLASSIC, choose_builder
from envkit.images.contents.context import write_context
from envkit.images.engine.engine import connect
from envkit.images.engine.push import push_image
from envkit.images.engine.references import full_tag
from envkit.images.plan import check_secrets, default_tag, plan_image
from envkit.images.rendering.render import render_dockerfile

if TYPE_CHECKING:
    from envkit.cli.build_request import BuildWish
    from envkit.cli.progress import RunScreen
    from envkit.images.building.build import BuiltImage
    from envkit.images.building.builders import Builder
    from envkit.images.engine.engine import Engine
    from envkit.images.records import ImageMode


def build(wish: BuildWish) -> None:
    """Plan the image, then print, write or build it. Raises: EnvkitError."""
    check_words(wish)
    with run_screen(headline="") as view:
        view.step("looking at this machine and its engine")
        engine = _engine(wish)
        planning = read_planning(read_settings())
        for task in wish.tasks:  # before minutes of fetching the base
            planning.find_task(task)
        request = read_request(wish, here=planning.facts, engine=engine, view=view)
        # Before minutes of resolving: without a builder nothing would come of them.
        builder = CLASSIC if engine is None else choose_builder(engine, wanted=wish.builder, progress=view)
        mode: ImageMode = builder.mode
        if engine is None and wish.builder != "classic":
            mode = "buildkit"
        plan = plan_image(request, planning=planning, progress=view)
        check_secrets(plan, mode)
        dockerfile = render_dockerfile(plan, mode=mode)
        tags = tuple(map(full_tag, wish.tags)) or (default_tag(plan),)
        order = Order(plan=plan, dockerfile=dockerfile, mode=mode, tags=tags)
        for note in plan.contents.notes:
            view.say(f"note: {note}")
        built = None
        if wish.is_built:
            assert engine is not None
            built = _build(wish, order, engine=engine, builder=builder, view=view)
    if built is not None:
        build_screen.print_built(order, built, builder=builder, is_pushed=wish.push, as_json=wish.as_json)
    elif wish.context_dir is not None:
        write_context(plan, wish.context_dir, dockerfile=dockerfile, mode=mode)
        known = None if engine is None else builder
        build_screen.print_written(order, wish, wish.context_dir, builder=known, as_json=wish.as_json)
    elif wish.dry_run:
        build_screen.print_plan(order, as_json=wish.as_json)
    elif wish.as_json:
        envelope.write(["build"], data={"dockerfile": dockerfile})
    else:
        click.echo(dockerfile, nl=False)


def _engine(wish: BuildWish) -> Engine | None:
    """Return the engine; without one, None where nothing is to be built. Raises: ImageError."""
    try:
        return connect()
    except ImageError:
        if wish.is_built:
            raise
        return None


def _build(wish: BuildWish, order: Order, *, engine: Engine, builder: Builder, view: RunScreen) -> BuiltImage:
    plan, lines = order.plan, BuildLines(view)
    with build_folder(is_usual=True) as folder:
        context_dir = folder / "context"
        view.step("writing what the build copies")
        write_context(plan, context_dir, dockerfile=order.dockerfile, mode=order.mode)
        built = build_image(
            context_dir,
            engine=engine,
            builder=builder,
            tags=order.tags,
            progress=lines,
            platform=wish.platform or "",
            build_args=plan.build_args,
            proxies=plan.proxies,
            secrets=plan.secrets,
            no_cache=wish.no_cache,
        )
    lines.finish()
    if wish.push:
        for tag in order.tags:
            push_image(engine, tag, view, image_id=built.id)
    return built
