"""``envkit build TEMPLATE``: a task, a lock or a finished run becomes an image."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click


@click.command(name="build", short_help="Build a Docker image of a task, a lock or a run.")
@click.argument("template", metavar="[TEMPLATE]", default="task")
@click.option("--task", "tasks", multiple=True, metavar="TASK", help="All that a task needs; repeatable.")
@click.option(
    "--lock",
    "lock_file",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Exactly what stands in a lock, such as envkit.lock.",
)
@click.option(
    "--from-run",
    "run_dir",
    type=click.Path(path_type=Path),
    metavar="RUN",
    help="What a run had, and for `predict` its model: a run's folder, or its id in ./runs.",
)
@click.option("-t", "--tag", "tags", multiple=True, metavar="NAME[:TAG]", help="Its name; repeatable.")
@click.option(
    "--base-image", metavar="IMAGE", help="The image to begin from. [default: python:3.X-slim-bookworm]"
)
@click.option("--platform", metavar="OS/ARCH", help="linux/amd64 or linux/arm64. [default: the engine's]")
@click.option("--python", metavar="VERSION", help="3.12, for the default base image.")
@click.option("--torch", metavar="BUILD", help="auto, cpu, cu126, 2.8.0 or '>=2.7', beside --task.")
@click.option(
    "--for",
    "facts_file",
    type=click.Path(path_type=Path),
    metavar="FACTS",
    help="For the GPUs of the machine of this file, written there by: envkit facts > FACTS",
)
@click.option("--user", metavar="UID[:GID]", help="Who it runs as. [default: 1000:1000]")
@click.option(
    "--ca-bundle",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Certificates to be trusted besides. [default: those that pip is told to use]",
)
@click.option(
    "--build-arg", "build_args", multiple=True, metavar="NAME=VALUE", help="For the template; repeatable."
)
@click.option(
    "--builder",
    type=click.Choice(["auto", "buildx", "buildkit", "classic"]),
    default="auto",
    show_default=True,
    help="What builds it; auto takes the first that works.",
)
@click.option("--no-cache", is_flag=True, help="Do every step anew.")
@click.option("--push", is_flag=True, help="Push it to its registry once it is built.")
@click.option("--print", "is_print", is_flag=True, help="Only print the Dockerfile.")
@click.option("--dry-run", is_flag=True, help="Only say what would be in it, and how large.")
@click.option(
    "--context",
    "context_dir",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="Only write all that a builder needs into a new folder.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON; progress goes to stderr.")
def command(**words: Any) -> None:
    """Build an image from TEMPLATE: `task` (the default), `jupyter`, `predict`, or an extension's.

    An image of `task` is one to fine-tune in: envkit run ner --env docker:NAME. One of `predict` holds the model
    of a run and answers standard input and HTTP. Python packages are locked before anything is built.
    """
    from envkit.cli.build_request import BuildWish
    from envkit.cli.building import build  # --help needs none of it

    build(BuildWish(**words))
