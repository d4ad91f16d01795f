"""``envkit lock``: write down exactly what an environment is made of, for each kind of machine."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from envkit.cli.env.options import Asked, content_options


@click.command(name="lock", short_help="Write down exactly what an environment is made of.")
@click.argument("name", metavar="[NAME]", required=False)
@content_options
@click.option(
    "--for",
    "facts_files",
    multiple=True,
    type=click.Path(path_type=Path),
    metavar="FACTS",
    help="Also for the machine of this file, written there by: envkit facts > FACTS; repeatable.",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path("envkit.lock"),
    show_default=True,
    metavar="FILE",
    help="File to write.",
)
@click.option("--upgrade", is_flag=True, help="Newest versions, also where the locked ones still fit.")
@click.option("--check", is_flag=True, help="Only say whether the file is up to date; exit 1 if not.")
@click.option("--dry-run", is_flag=True, help="Only say what would be written.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead.")
def command(
    name: str | None,
    facts_files: tuple[Path, ...],
    output: Path,
    upgrade: bool,
    check: bool,
    dry_run: bool,
    as_json: bool,
    **wishes: Any,
) -> None:
    """Write into envkit.lock what the environment NAME, or one that is asked for, is made of.

    Python, torch build and every package with its hash, for this machine and each of another kind. Without NAME and
    options, what the file itself asks for is locked again; options are added to that, as in env sync. To begin
    anew, name another file: -o FILE. Versions in the file stay where they still fit, and sections of other
    machines are kept up to date.
    """
    from envkit.cli.locking import LockWay, lock_environment  # --help needs none of it

    way = LockWay(is_upgrade=upgrade, is_check=check, is_dry_run=dry_run, as_json=as_json)
    is_as_written = lock_environment(name, Asked(**wishes), facts_files=facts_files, output=output, way=way)
    if not is_as_written:
        click.get_current_context().exit(1)
