"""``envkit env kernel``: an environment among the kernels of Jupyter."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from envkit.api import UsageError
from envkit.cli import envelope

if TYPE_CHECKING:
    from envkit.environments.kernels import KernelChange


@click.command()
@click.argument("name")
@click.option("--display-name", metavar="TEXT", help="What Jupyter shows. [default: NAME (envkit)]")
@click.option("--user", "is_user", is_flag=True, help="Where Jupyter looks for this user. [default]")
@click.option(
    "--prefix",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Under DIR/share/jupyter, for the Jupyter in DIR.",
)
@click.option("--remove", "is_removed", is_flag=True, help="Remove the kernel; the environment stays.")
@click.option("--dry-run", "is_dry_run", is_flag=True, help="Only say what would be done.")
@click.option("--yes", is_flag=True, help="Replace a kernel that is there and is not this environment's.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead.")
def command(
    name: str,
    display_name: str | None,
    is_user: bool,
    prefix: Path | None,
    is_removed: bool,
    is_dry_run: bool,
    yes: bool,
    as_json: bool,
) -> None:
    """Make the environment NAME a kernel that notebooks can choose; ipykernel must be in it.

    A kernel works in the environment as it is when the kernel starts. Nobody removes that meanwhile.
    """
    if is_user and prefix is not None:
        raise UsageError("--user and --prefix name two places", hint="Give one of them")
    if is_removed:
        change = _remove(name, prefix=prefix, is_dry_run=is_dry_run)
    else:
        change = _make(name, display_name=display_name, prefix=prefix, is_dry_run=is_dry_run, yes=yes)
    if as_json:
        envelope.write(["env", "kernel"], data=change)
    else:
        click.echo(_describe(change))


def _make(
    name: str, *, display_name: str | None, prefix: Path | None, is_dry_run: bool, yes: bool
) -> KernelChange:
    from envkit import config  # --help needs none of it
    from envkit.environments.activation import find_working
    from envkit.environments.kernels import (
        KernelChange,
        is_kernel_of,
        kernel_dir,
        plan_kernel,
        read_kernel,
        write_kernel,
    )

    settings = config.resolve_settings(config.read_layers(Path.cwd()))
    stored = find_working(settings.home.absolute(), name)
    folder = kernel_dir(name, prefix=prefix).absolute()
    there = read_kernel(folder)
    spec = plan_kernel(stored, display_name=display_name, model_hub=settings.model_hub)
    if there is not None and not is_kernel_of(there, stored.link) and not yes:
        _ask_to_replace(folder, is_dry_run=is_dry_run)
    done = "made" if there is None else "as it was" if there == spec else "renewed"
    if not is_dry_run:
        write_kernel(spec, folder=folder)
    return KernelChange(name=name, folder=str(folder), done=done, is_dry_run=is_dry_run, kernel=spec)


def _remove(name: str, *, prefix: Path | None, is_dry_run: bool) -> KernelChange:
    from envkit import config
    from envkit.environments.kernels import KernelChange, is_kernel_of, kernel_dir, read_kernel, remove_kernel
    from envkit.environments.store import check_name, envs_dir

    link = envs_dir(config.resolve_settings(config.read_layers(Path.cwd())).home).absolute() / check_name(
        name
    )
    folder = kernel_dir(name, prefix=prefix).absolute()
    there = read_kernel(folder)
    if there is not None and not is_kernel_of(there, link):
        raise UsageError(
            f"the kernel in {folder} is not of the environment {link}",
            hint=f"To remove it all the same: jupyter kernelspec remove {folder.name}",
        )
    if not is_dry_run:
        remove_kernel(name, link=link, prefix=prefix)
    done = "nothing" if there is None else "removed"
    return KernelChange(name=name, folder=str(folder), done=done, is_dry_run=is_dry_run, kernel=None)


def _ask_to_replace(folder: Path, *, is_dry_run: bool) -> None:
    """Ask whether another's kernel may be replaced. Raises: UsageError where not, or nobody can be asked."""
    message = f"there is a kernel in {folder} that is not this environment's"
    if not is_dry_run and sys.stdin.isatty() and sys.stderr.isatty():
        if click.confirm(f"{message[0].upper()}{message[1:]}. Replace it?", err=True):
            return
        raise UsageError(f"the kernel in {folder} stays as it is", hint="Put it elsewhere: --prefix DIR")
    raise UsageError(message, hint="Put it elsewhere with --prefix DIR, or replace it with --yes")


def _describe(change: KernelChange) -> str:
    if change.done == "nothing":
        return f"There is no kernel in {change.folder}"
    if change.done == "as it was":
        return f"The kernel of {change.name} is there already: {change.folder}"
    if change.done == "removed":
        return f"{'Would remove' if change.is_dry_run else 'Removed'} {change.folder}"
    assert change.kernel is not None
    verb = {"made": ("Would write", "Wrote"), "renewed": ("Would renew", "Renewed")}[change.done]
    where = f"{verb[not change.is_dry_run]} {change.folder}"
    shown = f"In Jupyter it is called: {change.kernel.display_name}"
    return where if change.is_dry_run else f"{where}\n{shown}"
