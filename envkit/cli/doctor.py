"""``envkit doctor``: what is wrong with this machine, and the command that mends it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from envkit.cli.doctor_look import Examination, Wish
    from envkit.doctor.report import Report

_FILE = click.Path(path_type=Path)


@click.command()
@click.option("-v", "--verbose", is_flag=True, help="Show every check, with what it rests on.")
@click.option(
    "--only", multiple=True, metavar="ID", help="Only these checks, or subjects such as docker; repeatable."
)
@click.option("--skip", multiple=True, metavar="ID", help="All but these.")
@click.option("--list", "is_list", is_flag=True, help="List the checks and run none.")
@click.option("--network", is_flag=True, help="Also reach for the indexes and the model hub.")
@click.option("--deep", is_flag=True, help="Also compute on every device, and start a container.")
@click.option("--task", metavar="TASK", help="Also say whether this machine is ready for a task.")
@click.option("--train", type=_FILE, metavar="FILE", help="The file that task would train on.")
@click.option(
    "--for",
    "facts_file",
    type=_FILE,
    metavar="FILE",
    help="Judge another machine: what envkit facts wrote there.",
)
@click.option("--fix", is_flag=True, help="Run the commands that mend what is safe to mend, each asked for.")
@click.option("--dry-run", is_flag=True, help="With --fix: show the commands, run none.")
@click.option("-y", "--yes", is_flag=True, help="With --fix: run them without asking.")
@click.option("--strict", is_flag=True, help="End with 1 on warnings too.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead.")
def command(
    verbose: bool,
    only: tuple[str, ...],
    skip: tuple[str, ...],
    is_list: bool,
    network: bool,
    deep: bool,
    task: str | None,
    train: Path | None,
    facts_file: Path | None,
    fix: bool,
    dry_run: bool,
    yes: bool,
    strict: bool,
    as_json: bool,
) -> None:
    """Look at this machine and say what is wrong with it, and what mends it.

    Takes 30 seconds at most. Ends with 0 where all is well or may be better, and 1 on errors.
    """
    from envkit.cli.doctor_time import limited

    if task is not None:  # its plugin is imported here, in a thread that may be left behind
        from envkit.registry.output_kept import output_kept

        click.get_current_context().with_resource(output_kept())
    with limited(as_json=as_json):
        # The plugins' process starts first: it works while this one still imports.
        from envkit.doctor.child_process import early_plugin_child

        child = None if facts_file is not None and not is_list else early_plugin_child()
        from envkit.doctor.plugin_process import PluginProcess
        from envkit.doctor.plugin_states import PluginReader

        plugins = PluginReader(process=PluginProcess(child))
        if child is not None:
            plugins.start()
        try:
            from envkit.cli.doctor_look import Examination, Wish
            from envkit.doctor.selection import Selection, split_names

            wish = Wish(
                selection=Selection(
                    only=_split_only(only),
                    skip=split_names(skip),
                    is_deep=deep,
                    is_network=network,
                    is_elsewhere=facts_file is not None,
                ),
                is_list=is_list,
                facts_file=facts_file,
                task=task,
                train=train,
            )
            _check_wish(wish, is_fix=fix, is_dry=dry_run, is_yes=yes, as_json=as_json)
            examination = Examination(wish, plugins=plugins)
            if is_list:
                from envkit.cli.doctor_list import print_list

                print_list(examination, as_json=as_json)
                return
            examination.check_names()
            try:
                report = _look(examination, is_verbose=verbose, as_json=as_json, is_fix=fix)
            finally:
                examination.stop()
        finally:
            plugins.stop()
    if fix:
        from envkit.cli.doctor_fix import mend

        report = mend(report, wish, is_dry=dry_run, is_yes=yes, as_json=as_json)
    _end(report, is_strict=strict, as_json=as_json)


def _split_only(only: tuple[str, ...]) -> tuple[str, ...]:
    """Return what is named. Raises: click.UsageError where nothing is."""
    from envkit.doctor.selection import split_names

    if only and not (names := split_names(only)):
        raise click.UsageError("--only names no check: give it an id or a subject, such as docker")
    return names if only else ()


def _check_wish(wish: Wish, *, is_fix: bool, is_dry: bool, is_yes: bool, as_json: bool) -> None:
    """Check the options against each other. Raises: click.UsageError, UsageError."""
    if (is_dry or is_yes) and not is_fix:
        raise click.UsageError(f"{'--dry-run' if is_dry else '--yes'} goes with --fix")
    if is_dry and is_yes:
        raise click.UsageError("--dry-run and --yes contradict each other")
    if wish.train is not None and wish.task is None:
        raise click.UsageError("--train goes with --task: name the task that would train on it")
    if wish.task is not None:
        from envkit.registry import find_task

        find_task(wish.task)
    if wish.facts_file is not None:
        for is_given, option in (
            (is_fix, "--fix"),
            (wish.selection.is_deep, "--deep"),
            (wish.selection.is_network, "--network"),
        ):
            if is_given:
                raise click.UsageError(f"{option} is for this machine, and --for judges another")
    if is_fix and not is_dry:
        from envkit.cli.doctor_fix import check_can_ask

        check_can_ask(is_yes=is_yes, as_json=as_json)


def _look(examination: Examination, *, is_verbose: bool, as_json: bool, is_fix: bool) -> Report:
    """Examine the machine, on the screen as it goes on unless it ends as JSON."""
    if as_json:
        for _ in examination.results():
            continue
        return examination.report()
    from envkit.cli.doctor_screen import Screen

    screen = Screen(is_verbose=is_verbose)
    screen.show_head(examination)
    for check, findings in examination.results(before=screen.wait_for):
        screen.add(check, findings)
    report = examination.report()
    screen.finish(report, is_fix=is_fix)
    return report


def _end(report: Report, *, is_strict: bool, as_json: bool) -> None:
    from envkit.doctor.report import exit_code

    if as_json:
        from envkit.cli import envelope

        envelope.write(["doctor"], data=report)
    if code := exit_code(report.verdict, is_strict=is_strict):
        raise click.exceptions.Exit(code)
