"""``envkit torch``: which torch build fits a machine, why, and what would have to change for a better one."""

from __future__ import annotations

from pathlib import Path

import click


@click.command(name="torch", short_help="Say which torch build fits this machine, and why.")
@click.option("--python", metavar="VERSION", help="For this Python, such as 3.12. [default: the running one]")
@click.option("--require", metavar="RANGE", help="Only torch in this range, such as 'torch<2.9'; or '<2.9'.")
@click.option("--task", metavar="TASK", help="Only torch that this task can use.")
@click.option(
    "--for",
    "facts_file",
    type=click.Path(path_type=Path),
    metavar="FACTS",
    help="For the machine of this file, written there by: envkit facts > FACTS",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead.")
def command(
    python: str | None, require: str | None, task: str | None, facts_file: Path | None, as_json: bool
) -> None:
    """Say which torch build fits this machine, and why.

    That is the newest torch, then the newest CUDA, whose driver is there and that has kernels for every GPU. The
    nearest builds that do not fit are named with what would unlock them, and what newer releases of torch no longer
    serve of this machine. Nothing is installed, imported or downloaded. Ends with 4 where no build fits.
    """
    from envkit.cli.torch_screen import Asked, show_torch  # --help needs none of it

    show_torch(Asked(python=python, require=require, task=task, facts_file=facts_file), as_json=as_json)
