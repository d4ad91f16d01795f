"""``envkit plugin remove NAME…``: take plugins out of envkit's own environment, asking first."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from envkit.authoring.removing import RemovalPlan


@click.command(name="remove", short_help="Remove plugins.")
@click.argument("names", metavar="NAME...", nargs=-1, required=True)
@click.option("--dry-run", is_flag=True, help="Only say what would be done.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead.")
def command(names: tuple[str, ...], dry_run: bool, yes: bool, as_json: bool) -> None:
    """Remove plugins from the environment that envkit runs in.

    NAME is a distribution (envkit-ner), its short form (ner), or the name of its task. Runs, models and the
    environments of its task stay. To do without one for a while: envkit --disable-plugin NAME …
    """
    # --help needs none of it
    from envkit.api import EnvError
    from envkit.authoring.removing import plan_removal, still_there
    from envkit.cli.env.asking import confirm
    from envkit.cli.plugin.changing import running, show_calls, tell
    from envkit.owner import find_owner

    owner = find_owner()
    plan = plan_removal(owner, names)
    listed = ", ".join(f"{each.name} {each.version}" for each in plan.plugins)
    if not as_json:
        for each in plan.plugins:
            click.echo(f"{each.name} {each.version}: the {' and the '.join(each.gives)}", err=True)
        show_calls(owner, plan.calls)
        tell("careful", plan.doubts)
    if not dry_run:
        if not yes:
            confirm(f"Remove {listed}?", otherwise=f"{listed} would be removed", as_json=as_json)
        with running(owner, "removing") as runner:
            for call in plan.calls:
                runner.run(call)
        if left := still_there(plan.plugins, owner=owner):
            raise EnvError(
                f"{' and '.join(left)} cannot be removed: something that is installed asks for it",
                hint="See what is here: envkit plugin list",
            )
    if as_json:
        _write(plan, is_dry_run=dry_run)
    elif dry_run:
        click.echo("Nothing was removed: --dry-run")
    else:
        click.echo(f"Removed {listed}")


def _write(plan: RemovalPlan, *, is_dry_run: bool) -> None:
    from envkit.authoring.removing import Removed
    from envkit.cli import envelope

    data = Removed(
        dry_run=is_dry_run,
        cmds=tuple(call.cmd(plan.owner) for call in plan.calls),
        plugins=plan.plugins,
        doubts=plan.doubts,
    )
    envelope.write(["plugin", "remove"], data=data)
