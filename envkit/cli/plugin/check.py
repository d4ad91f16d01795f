"""``envkit plugin check``: what is wrong with a plugin, before its users find it."""

from __future__ import annotations

import click


@click.command(name="check", short_help="Check a plugin: package, code, and what its task promises.")
@click.argument("target", metavar="[NAME|PATH]", required=False)
@click.option(
    "--only",
    multiple=True,
    metavar="ID",
    help="Only these checks, or groups such as hooks or doctor; repeatable.",
)
@click.option("--skip", multiple=True, metavar="ID", help="All but these.")
@click.option(
    "--no-contract", is_flag=True, help="Leave out what needs an environment: seconds, not minutes."
)
@click.option(
    "--env", default="auto", metavar="NAME", help="Where the contract is run, as for a run. [default: auto]"
)
@click.option(
    "--limit",
    type=click.FloatRange(min=1),
    metavar="SECONDS",
    help="What each check of the contract may take. [default: 300]",
)
@click.option("-v", "--verbose", is_flag=True, help="Show what is well, too.")
@click.option("--strict", is_flag=True, help="End with 1 on warnings too.")
@click.option("--list", "is_list", is_flag=True, help="List the checks and run none.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead; progress goes to stderr.")
def command(
    target: str | None,
    only: tuple[str, ...],
    skip: tuple[str, ...],
    no_contract: bool,
    env: str,
    limit: float | None,
    verbose: bool,
    strict: bool,
    is_list: bool,
    as_json: bool,
) -> None:
    """Check a plugin as its users will meet it: an installed one, a wheel, or the folder of its source.

    Without NAME or PATH it is the folder you are in. Nothing is installed: a source is built, and looked at by
    processes of their own. The contract is what its task promises, tried in an environment as a run has it.
    Ends with 0 where all is well or may be better, and 1 on errors. Ctrl-C ends it with what was found so far, and 130.
    """
    from envkit.authoring.check import check_plugin, known_checks
    from envkit.authoring.check_report import Wanted
    from envkit.authoring.contract_run import CHECK_SECONDS
    from envkit.cli.exits import CANCELLED
    from envkit.cli.plugin.check_screen import check_screen, print_list, print_report
    from envkit.cli.streams import verdict
    from envkit.doctor.report import exit_code
    from envkit.doctor.selection import split_names

    if is_list:
        print_list(known_checks(), as_json=as_json)
        return
    wanted = Wanted(only=split_names(only), skip=split_names(skip))
    with check_screen() as screen:
        report = check_plugin(
            target,
            wanted=wanted,
            env=env,
            has_contract=not no_contract,
            seconds=limit or CHECK_SECONDS,
            progress=screen,
        )
    # A check that was stopped says so though its reader was stopped as well, as that of `| tee` is.
    with verdict(CANCELLED if report.is_stopped else exit_code(report.verdict, is_strict=strict)):
        if as_json:
            from envkit.cli import envelope

            stopped = {"message": "stopped", "hint": None, "exit_code": CANCELLED}
            envelope.write(["plugin", "check"], data=report, error=stopped if report.is_stopped else None)
        else:
            print_report(report, is_verbose=verbose)
