"""``envkit env sync NAME``: bring an environment up to date, or add to it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from envkit.cli.env.options import Asked, way_options, wish_options

if TYPE_CHECKING:
    from pathlib import Path


@click.command(name="sync", short_help="Bring an environment up to date, or add to it.")
@click.argument("name", metavar="NAME")
@wish_options
@click.option("--without", multiple=True, metavar="NAME", help="A package or task to take out; repeatable.")
@click.option("--upgrade", is_flag=True, help="Newest versions, also where the ones there still fit.")
@way_options
def command(
    name: str,
    facts_file: Path | None,
    lock_file: Path | None,
    without: tuple[str, ...],
    upgrade: bool,
    dry_run: bool,
    yes: bool,
    as_json: bool,
    **wishes: Any,
) -> None:
    """Bring the environment NAME to what it was asked to be, with more added or taken out.

    Versions that still fit stay. The changed one is made beside the old and takes its place when it is proved
    to work; what runs in the old one goes on in it.
    """
    from envkit.cli.env.syncing import Way, sync_environment  # --help needs none of it

    way = Way(is_upgrade=upgrade, lock_file=lock_file, is_dry_run=dry_run, is_agreed=yes, as_json=as_json)
    sync_environment(name, Asked(**wishes), without=without, facts_file=facts_file, way=way)
