"""``envkit env create NAME``: make an environment and prove that it works."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING, Any

import click

from envkit.cli.env.options import Asked, way_options, wish_options

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def without_collector() -> Callable[[], None]:
    """Let Python look for no garbage while it imports: uv starts a twentieth sooner. Return what undoes it.

    So short a life makes none that matters.
    """
    if not gc.isenabled():
        return lambda: None
    gc.disable()
    return gc.enable


@click.command(name="create", short_help="Make an environment and prove that it works.")
@click.argument("name", metavar="NAME")
@wish_options
@way_options
def command(
    name: str,
    facts_file: Path | None,
    lock_file: Path | None,
    dry_run: bool,
    yes: bool,
    as_json: bool,
    **wishes: Any,
) -> None:
    """Make the environment NAME: a Python, the torch build that fits the machine, and packages.

    It counts as made when torch has taken a step on each device and each task's plugin was imported. One that
    is there and is what was asked for is left as it is; nothing else is changed, so there is nothing to ask.
    """
    click.get_current_context().call_on_close(without_collector())
    if wishes["backend"] == "conda":
        from envkit.environments.conda.process import start_ahead

        start_ahead()  # it imports rattler while this process imports what follows
    from envkit.cli.env.creating import create_environment  # --help needs none of it

    create_environment(
        name,
        Asked(**wishes),
        facts_file=facts_file,
        lock_file=lock_file,
        is_dry_run=dry_run,
        as_json=as_json,
    )
