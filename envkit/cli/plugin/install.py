"""``envkit plugin install SPEC…``: put plugins into envkit's own environment, the way that it was installed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Sequence

    from envkit.authoring.installing import InstallPlan, LoadedPlugin


@click.command(name="install", short_help="Install plugins beside envkit.")
@click.argument("specs", metavar="SPEC...", nargs=-1, required=True)
@click.option("-e", "--editable", is_flag=True, help="SPEC are folders whose code is used where it lies.")
@click.option("-U", "--upgrade", is_flag=True, help="Take the newest version of what is here already.")
@click.option("--change-envkit", is_flag=True, help="Let the plugin bring another version of envkit.")
@click.option("--dry-run", is_flag=True, help="Only say what would be done.")
@click.option("--yes", is_flag=True, help="Do not ask, whatever else changes.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead.")
def command(
    specs: tuple[str, ...],
    editable: bool,
    upgrade: bool,
    change_envkit: bool,
    dry_run: bool,
    yes: bool,
    as_json: bool,
) -> None:
    """Install plugins into the environment that envkit runs in.

    SPEC is the name of a plugin ('envkit-ner>=1'; ner is enough for envkit-ner), a folder, a wheel or an
    address. It is done with what envkit was installed with (pip, uv, uv tool, pipx), and packages come from
    where pip's configuration says. Asks where anything else that is installed would change.
    What is named by its address is installed anew each time, from a repository if it has another commit.
    """
    # --help needs none of it
    from envkit.authoring.installing import carry_out, check_installed, load_installed, plan_install
    from envkit.authoring.specs import read_spec
    from envkit.cli.env.asking import confirm
    from envkit.cli.plugin.changing import running, tell
    from envkit.owner import find_owner

    owner = find_owner()
    wanted = [read_spec(text, is_editable=editable) for text in specs]
    with running(owner, "looking at what would change") as runner:
        plan = plan_install(
            owner,
            wanted,
            runner=runner,
            is_upgrade=upgrade,
            may_change_envkit=change_envkit,
            is_dry_run=dry_run,
            is_sure=yes,
        )
    if not as_json:
        _show_plan(plan)
        tell("careful", plan.doubts)
        tell("note", plan.notes)
    is_needed = bool(plan.changes) and not dry_run
    if is_needed:
        if plan.doubts and not yes:
            confirm("Install?", otherwise="; ".join(plan.doubts), as_json=as_json)
        with running(owner, "installing") as runner:
            carry_out(plan, runner=runner)
    loaded = () if dry_run else check_installed(plan, load_installed(owner))
    if as_json:
        _write(plan, loaded, is_dry_run=dry_run)
    elif dry_run:
        click.echo("Nothing was installed: --dry-run")
    else:
        is_of_index = all(spec.address is None for spec in plan.specs)
        _show_loaded(loaded, is_new=is_needed, is_of_index=is_of_index)


def _show_plan(plan: InstallPlan) -> None:
    """Print the command, and what comes of it where that is more than what was asked for."""
    from envkit.cli.plugin.changing import show_calls

    if not plan.changes:
        here = [f"{name} {version}" for name, version in plan.present]
        said = (
            f"{' and '.join(here)} {'is' if len(here) == 1 else 'are'} here already"
            if here
            else "Nothing changes"
        )
        click.echo(said, err=True)
        return
    show_calls(plan.owner, [plan.call])
    for each in plan.changes:
        if not each.is_other:  # what else changes is said as a warning
            click.echo(f"  {each}", err=True)


def _show_loaded(loaded: Sequence[LoadedPlugin], *, is_new: bool, is_of_index: bool) -> None:
    for each in loaded:
        how = "is installed and loads" if is_new else "loads"
        click.echo(f"{each.plugin} {each.version} {how}: the {each.kind} {each.name}")
    tasks = [each.name for each in loaded if each.kind == "task"]
    if not is_new and loaded and is_of_index:
        click.echo(f"To have the newest: envkit plugin install --upgrade {loaded[0].plugin}")
    elif tasks:
        click.echo(f"To use it: envkit run {tasks[0]} --help")


def _write(plan: InstallPlan, loaded: Sequence[LoadedPlugin], *, is_dry_run: bool) -> None:
    from envkit.authoring.installing import Installed
    from envkit.cli import envelope

    data = Installed(
        dry_run=is_dry_run,
        cmd=plan.call.cmd(plan.owner),
        changes=plan.changes,
        plugins=tuple(loaded),
        notes=plan.notes,
        doubts=plan.doubts,
    )
    envelope.write(["plugin", "install"], data=data)
