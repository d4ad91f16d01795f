"""``envkit env show NAME``: what an environment is, why, whether it still fits, and who used it."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import click

from envkit.cli import envelope

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from envkit.cli.env.records import RunUse, Shown
    from envkit.environments.records import EnvRecord, StoredEnvironment

_RUNS_SHOWN = 5


@click.command(name="show", short_help="Show one: what is in it, why, and who used it.")
@click.argument("name", metavar="NAME")
@click.option("--packages", is_flag=True, help="List every package with its version.")
@click.option(
    "--runs-dir",
    type=click.Path(path_type=Path),
    default=Path("runs"),
    show_default=True,
    metavar="DIR",
    help="Folder of the runs that are looked through.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead.")
def command(name: str, packages: bool, runs_dir: Path, as_json: bool) -> None:
    """Show the environment NAME: what is in it, why, how large, who used it, and whether it still fits."""
    from envkit.cli.env.keeping import why_stale  # --help needs none of it
    from envkit.cli.env.records import Shown
    from envkit.cli.env.surroundings import read_planning, read_settings
    from envkit.cli.env.wishes import words_of
    from envkit.environments.records import EnvSpec
    from envkit.environments.store import check_name, find_stored

    settings = read_settings()
    stored = find_stored(settings.home.absolute(), check_name(name))
    is_locked = stored.record.lock is not None
    wishes = ["--locked"] if is_locked else words_of(stored.record.spec, than=EnvSpec())
    shown = Shown(
        name=stored.name,
        folder=str(stored.link),
        prefix=str(stored.prefix),
        python=str(stored.link / "bin" / "python"),
        last_used=stored.last_used,
        is_in_use=stored.is_in_use,
        stale=why_stale(stored, planning=read_planning(settings)),
        command=_command(stored.record, wishes),
        runs=_runs_in(stored, runs_dir),
        record=stored.record,
    )
    if as_json:
        envelope.write(["env", "show"], data=shown)
        return
    _print(stored, shown)
    if packages:
        from envkit.cli.env.screen import print_names

        click.echo()
        base = stored.record.base.packages
        title = "Packages for Python" if base else "Packages"
        print_names(title, [f"{n} {v}" for n, v in sorted(stored.record.installed.items())])
        if base:
            click.echo()
            print_names(
                f"Packages of {stored.record.backend}", sorted(f"{each.name} {each.version}" for each in base)
            )


def _command(record: EnvRecord, wishes: Sequence[str]) -> str:
    """Return the command that makes another like it; by way of a file where words cannot say all of it."""
    if "FILE" not in wishes:
        return shlex.join(["envkit", "env", "create", record.name, *wishes])
    from envkit.environments.files.remarks import create_command

    form, file = ("environment.yml", "environment.yml") if record.base.packages else ("pylock", "pylock.toml")
    export = shlex.join(["envkit", "env", "export", record.name, "--format", form, "--output", file])
    return f"{export} && {create_command(record, file, name=record.name)}"


def _runs_in(stored: StoredEnvironment, runs_dir: Path) -> tuple[RunUse, ...]:
    """Return the runs of a folder that were in any generation of the environment, the newest last."""
    from envkit.cli.env.records import RunUse
    from envkit.runs.folder import list_runs

    used = []
    for run in list_runs(runs_dir):
        environment = run.request.environment
        is_of_store = stored.link.parent in Path(environment.python).parents
        if environment.name == stored.name and environment.kind != "current" and is_of_store:
            used.append(RunUse(id=run.request.id, task=run.request.task, status=run.status))
    return tuple(used)


def _print(stored: StoredEnvironment, shown: Shown) -> None:
    from envkit.cli import render
    from envkit.cli.env.list import last_used_text
    from envkit.cli.env.screen import proof_text

    record = stored.record
    pairs = [
        ("environment", f"{stored.name}, of the kind {record.backend}, made {_minute(record.created)}"),
        *_contents(record),
        ("size", render.size_text(record.size)),
        ("proved", f"{proof_text(record.proof)}, in {render.seconds_text(record.proof.seconds)}"),
        *(("not tried", why) for why in record.proof.left_out),
        ("last used", last_used_text(stored)),
        ("runs", _runs_text(shown.runs)),
        (
            "fits",
            "yes" if shown.stale is None else f"no longer: {shown.stale}. envkit env sync {stored.name}",
        ),
        ("folder", shown.folder),
        ("one like it", shown.command),
    ]
    render.print_pairs(pairs)


def _contents(record: EnvRecord) -> Iterable[tuple[str, str]]:
    from envkit.cli.env.screen import count_text
    from envkit.environments.this_machine import describe_machine

    spec = record.spec
    # An older envkit wrote no reasons.
    for reason in record.reasons or _guessed_reasons(record):
        title, _, why = reason.partition(" ")
        yield title.lower(), why
    if spec.tasks:
        plugins = ", ".join(f"{each.name} {each.version}" for each in record.plugins)
        yield "tasks", f"{', '.join(spec.tasks)}, with {plugins}"
    for title, asked in (("asked for", spec.packages), ("of conda", spec.base_packages)):
        if asked:
            yield title, ", ".join(asked)
    base = f", {count_text(record.base.packages)} of {record.backend}" if record.base.packages else ""
    yield "packages", f"{count_text(record.installed)} for Python{base}"
    if record.lock is not None:
        yield "locked", f"by the envkit.lock whose sha256 is {record.lock}"
    yield "machine", describe_machine(record.facts)


def _guessed_reasons(record: EnvRecord) -> Iterable[str]:
    asked = record.spec.python
    yield f"Python {record.python}: {f'{asked} was asked for' if asked else 'no version was asked for'}"
    if record.torch is not None:
        yield f"torch {record.torch.version}: {record.torch.reason}"


def _runs_text(runs: tuple[RunUse, ...]) -> str:
    if not runs:
        return "none in this folder"
    newest = [f"{run.id} ({run.status})" for run in reversed(runs)][:_RUNS_SHOWN]
    more = f", and {len(runs) - _RUNS_SHOWN} more" if len(runs) > _RUNS_SHOWN else ""
    return ", ".join(newest) + more


def _minute(created: str) -> str:
    from datetime import datetime

    return f"{datetime.fromisoformat(created).astimezone():%Y-%m-%d %H:%M}"
