"""How plans, changes and finished environments look on a screen."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

import click

from envkit.cli import render
from envkit.environments.records import describe_record

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence, Sized
    from pathlib import Path

    from envkit.api import BasePackage
    from envkit.cli.env.changes import Change
    from envkit.cli.env.records import PlanLine
    from envkit.environments.records import Environment, Proof, WheelPackage

_WIDTH = 80


def print_plan(line: PlanLine) -> None:
    """Print what would be made, in which sizes, and what would be proved."""
    pairs = [("environment", f"{line.name}, of the kind {line.backend}")]
    pairs.append(("machine", line.machine))
    pairs += [(reason.partition(" ")[0].lower(), reason.partition(" ")[2]) for reason in line.reasons]
    if line.spec.tasks:
        pairs.append(("tasks", ", ".join(line.spec.tasks)))
    pairs.append(("download", download_text(line)))
    pairs.append(("disk", f"about {render.size_text(line.disk)}"))
    pairs.append(("proof", "; ".join(line.proof)))
    render.print_pairs(pairs)
    for kind, packages in ((f"of {line.backend}", line.base.packages), ("for Python", line.wheels)):
        if packages:
            click.echo()
            print_names(f"{count_text(packages)} {kind}", _named(packages))


def download_text(line: PlanLine) -> str:
    """Return how much is downloaded at most."""
    if not line.download and not line.unsized:
        return "nothing"
    most = f"at most {render.size_text(line.download)}" if line.download else ""
    unsized = f"{count_text(line.unsized)} of unknown size" if line.unsized else ""
    return " and ".join(part for part in (most, unsized) if part) + "; less where a cache has it"


def print_names(title: str, names: Iterable[str]) -> None:
    """Print many short words under a title, wrapped."""
    click.echo(f"{title}:")
    # Names and versions are never broken: a cut one could not be searched for.
    text = ",\0".join(name.replace(" ", "\1") for name in names).replace("\0", " ")
    for row in textwrap.wrap(
        text,
        _WIDTH,
        initial_indent="  ",
        subsequent_indent="  ",
        break_long_words=False,
        break_on_hyphens=False,
    ):
        click.echo(row.replace("\1", " "))


def print_changes(name: str, changes: Sequence[Change]) -> None:
    """Print what a change does: removals and changes a line each, additions together."""
    gone = [change for change in changes if change.kind == "remove"]
    changed = [change for change in changes if change.kind == "change"]
    added = [change for change in changes if change.kind == "add"]
    if gone or changed:
        click.echo(f"Changes in {name}:")
        rows = [("remove", each.name, each.old) for each in gone]
        rows += [("change", each.name, f"{each.old} -> {each.new}") for each in changed]
        width = max(len(row[1]) for row in rows)
        for verb, package, versions in rows:
            click.echo(f"  {verb}  {package:<{width}}  {versions}")
    if added:
        if gone or changed:
            click.echo()
        print_names(f"New in {name}, {count_text(added)}", (f"{each.name} {each.new}" for each in added))


def count_text(packages: Sized | int) -> str:
    """Return how many packages there are: ``1 package``."""
    number = packages if isinstance(packages, int) else len(packages)
    return "1 package" if number == 1 else f"{number} packages"


def print_made(environment: Environment, *, link: Path, tasks: Sequence[str]) -> None:
    """Print what there is now, what was proved, and what to do next."""
    record = environment.record
    assert record is not None
    pairs = [("environment", f"{environment.name}, {record_words(environment)}")]
    pairs.append(("proved", proof_text(record.proof)))
    pairs += [("not tried", why) for why in record.proof.left_out]
    pairs.append(("folder", str(link)))
    render.print_pairs(pairs)
    click.echo()
    for task in tasks[:1]:
        click.echo(f"Next: envkit run {task} --env {environment.name}")
    click.echo(f"{'      ' if tasks else 'Next: '}envkit env shell {environment.name}")


def record_words(environment: Environment) -> str:
    """Return Python, torch, number of packages and size."""
    assert environment.record is not None
    return describe_record(environment.record)


def proof_text(proof: Proof) -> str:
    """Return what was tried with success: ``Python 3.12.4 starts; torch 2.8.0 computes on cpu; ner imports``."""
    parts = [f"Python {proof.python} starts"]
    if proof.torch is not None:
        devices = ", ".join(each.device for each in proof.devices)
        parts.append(f"torch {proof.torch} takes a step on {devices}" if devices else "torch imports")
    if proof.tasks:
        parts.append(f"{', '.join(proof.tasks)} {'import' if len(proof.tasks) > 1 else 'imports'}")
    return "; ".join(parts)


def _named(packages: Iterable[BasePackage | WheelPackage]) -> list[str]:
    return sorted(f"{package.name} {package.version}".rstrip() for package in packages)
