"""Lock what is asked for, compare it with the file that is there, and write it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click
import msgspec

from envkit.api import ConfigError, UsageError
from envkit.cli import envelope
from envkit.cli.env.options import Asked
from envkit.cli.env.origins import naming_origins
from envkit.cli.env.surroundings import read_facts_file, read_planning, read_settings
from envkit.cli.env.wishes import Wish, add_wishes, check_machine
from envkit.cli.progress import run_screen
from envkit.config.writing import alone
from envkit.environments.files.request import read_text
from envkit.environments.lockfile.facts import machine_facts
from envkit.environments.lockfile.fit import nearest_section
from envkit.environments.lockfile.make import make_lock
from envkit.environments.lockfile.read import read_lock
from envkit.environments.lockfile.stale import LineChange, changed_lines
from envkit.environments.lockfile.write import write_lock
from envkit.environments.records import EnvSpec
from envkit.environments.store import find_stored

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from envkit.config import Settings
    from envkit.environments.lockfile.records import Lock, LockedMachine, LockFile
    from envkit.environments.records import EnvRecord
    from envkit.machine import MachineFacts

_SHOWN = 20
_HERE = "this machine"


@dataclass(frozen=True, kw_only=True)
class LockWay:
    """How it is done: with the newest versions, only checked or only said; in JSON or on a screen."""

    is_upgrade: bool
    is_check: bool
    is_dry_run: bool
    as_json: bool


class MachineLine(msgspec.Struct, frozen=True, kw_only=True):
    """A section of the lock: ``torch`` is a version, ``base`` and ``packages`` are counts.

    ``serves`` are the machines at hand that are made from it: this one, and files of facts.
    """

    name: str
    python: str
    torch: str | None
    base: int
    packages: int
    serves: tuple[str, ...] = ()


class Locked(msgspec.Struct, frozen=True, kw_only=True):
    """What ``--json`` says: ``changes`` are lines of the file that are not, or were not, what is written now."""

    file: str
    written: bool
    up_to_date: bool
    machines: tuple[MachineLine, ...]
    changes: tuple[LineChange, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class _Wanted:
    wish: Wish
    record: EnvRecord | None


def lock_environment(
    name: str | None, asked: Asked, *, facts_files: Sequence[Path], output: Path, way: LockWay
) -> bool:
    """Lock it; return False where it was to be checked and the file is not up to date. Raises: EnvkitError."""
    settings = read_settings()
    if output.exists() and not output.is_file():
        raise UsageError(
            f"-o {output}: that is no plain file",
            hint="Name a file that a lock can be written to: -o envkit.lock",
        )
    previous = read_lock(output, is_sealed=False) if output.exists() else None
    if way.is_check and previous is None:
        raise ConfigError(f"there is no {output} to check", hint="Write it first: envkit lock --task TASK")
    wanted = _wanted(name, asked, previous, settings=settings)
    with naming_origins(wanted.wish), run_screen(headline="") as view:
        view.step("looking at this machine")
        planning = read_planning(settings)
        others = {str(file): read_facts_file(file) for file in facts_files}
        for facts in (*others.values(), *_locked_machines(previous)):
            check_machine(wanted.wish, facts.platform, here=planning.facts.platform)
        lock = make_lock(
            wanted.wish.spec,
            planning=planning,
            progress=view,
            machines=tuple(others.values()),
            previous=previous.lock if previous is not None else None,
            record=wanted.record,
            is_upgrade=way.is_upgrade,
        )
    text = write_lock(lock, folder=output.absolute().parent)
    before = previous.text if previous is not None else ""
    is_same = text == before
    is_written = not (is_same or way.is_check or way.is_dry_run)
    if is_written:
        _write(output, text, before=before)
    locked = Locked(
        file=str(output),
        written=is_written,
        up_to_date=is_same,
        machines=_machine_lines(lock, {_HERE: planning.facts, **others}),
        changes=_changes(previous, lock, output) if previous is not None and not is_same else (),
        notes=(*wanted.wish.notes, *_loose(lock)),
    )
    if way.as_json:
        envelope.write(["lock"], data=locked)
    else:
        _print(locked, way=way, is_new=previous is None)
    return is_same or not way.is_check


def _locked_machines(previous: LockFile | None) -> list[MachineFacts]:
    sections = previous.lock.machines if previous is not None else ()
    return [machine_facts(each.facts, python=each.python) for each in sections]


def _changes(previous: LockFile, lock: Lock, output: Path) -> tuple[LineChange, ...]:
    """Return how the lock differs from what is there, a machine that is new in one line."""
    count = len(previous.lock.machines)  # new ones come after those that were there
    known, added = lock.machines[:count], lock.machines[count:]
    text = write_lock(msgspec.structs.replace(lock, machines=known), folder=output.absolute().parent)
    end = previous.text.count("\n") + 1
    new = (LineChange(line=end, old="", new=_new_words(each), is_machine=True) for each in added)
    return (*(changed_lines(previous.text, text) if text != previous.text else ()), *new)


def _new_words(machine: LockedMachine) -> str:
    return f"{machine.name}, {_packages_text(len(machine.wheels) + len(machine.host))}"


def _wanted(name: str | None, asked: Asked, previous: LockFile | None, *, settings: Settings) -> _Wanted:
    """Return what is to be locked: an environment, what options ask for, or what the file asks for."""
    if name is not None:
        record = find_stored(settings.home.absolute(), name).record
        wish = add_wishes(record.spec, asked, package_index=settings.package_index)
        return _Wanted(wish=wish, record=record)
    if asked != Asked():
        wish = add_wishes(
            EnvSpec(backend=settings.backend) if previous is None else previous.lock.spec,
            asked,
            may_choose_backend=previous is None,
            package_index=settings.package_index,
        )
        return _Wanted(wish=wish, record=None)
    if previous is None:
        raise UsageError(
            "nothing was asked for that could be locked",
            hint="Say what is to be in it, as for env create: envkit lock --task ner\n"
            "Or name an environment: envkit lock NAME",
        )
    return _Wanted(wish=Wish(spec=previous.lock.spec), record=None)


def _loose(lock: Lock) -> list[str]:
    """Return notes on what a lock cannot hold fast."""
    editable = {h.name: h.version for machine in lock.machines for h in machine.host if not h.digest}
    folders = {
        w.name for machine in lock.machines for w in machine.wheels if not w.sha256 and "+" not in w.url
    }
    notes = []
    if editable:
        names = ", ".join(f"{name} {version}" for name, version in editable.items())
        notes.append(f"installed here as editable, so the lock holds their version alone: {names}")
    if folders:
        notes.append(f"taken from a folder, which may change: {', '.join(sorted(folders))}")
    return notes


def _machine_lines(lock: Lock, at_hand: Mapping[str, MachineFacts]) -> tuple[MachineLine, ...]:
    serving = {words: nearest_section(lock.machines, lock.spec, facts) for words, facts in at_hand.items()}
    return tuple(
        _machine_line(machine, serves=tuple(words for words, which in serving.items() if which == number))
        for number, machine in enumerate(lock.machines)
    )


def _machine_line(machine: LockedMachine, *, serves: tuple[str, ...]) -> MachineLine:
    return MachineLine(
        name=machine.name,
        python=machine.python,
        torch=machine.torch.version if machine.torch is not None else None,
        base=len(machine.base),
        packages=len(machine.wheels) + len(machine.host),
        serves=serves,
    )


def _write(output: Path, text: str, *, before: str) -> None:
    """Write the file so that it is whole at every moment. Raises: ConfigError, also where it is not as it was."""
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        draft = output.with_name(f".{output.name}.{os.getpid()}")
        try:
            draft.write_text(text, encoding="utf-8")
            with alone(output):
                if (read_text(output) if output.exists() else "") != before:
                    raise ConfigError(
                        f"{output} was changed by somebody else while this was locked: nothing is written",
                        hint="Give the same command again: it begins with what stands there now",
                    )
                draft.replace(output)
        finally:
            draft.unlink(missing_ok=True)
    except OSError as error:
        raise ConfigError(
            f"{output} cannot be written: {error.strerror}", hint="Name another file with -o"
        ) from error


def _print(locked: Locked, *, way: LockWay, is_new: bool) -> None:
    for note in locked.notes:
        click.echo(f"note: {note}", err=True)
    for machine in locked.machines:
        torch = f", torch {machine.torch}" if machine.torch else ""
        base = f", {machine.base} conda packages" if machine.base else ""
        packages = _packages_text(machine.packages)
        serves = f" ({', '.join(machine.serves)})" if machine.serves else ""
        click.echo(f"{machine.name}{serves}: Python {machine.python}{torch}, {packages}{base}")
    if locked.up_to_date:
        click.echo(f"{locked.file} is up to date")
        return
    lines = [change for change in locked.changes if not change.is_machine]
    for change in lines[:_SHOWN]:
        click.echo(f"  {locked.file}:{change.line}: {_words(change)}")
    if len(lines) > _SHOWN:
        click.echo(f"  and {len(lines) - _SHOWN} lines more")
    for change in locked.changes:
        if change.is_machine:
            click.echo(f"  {_words(change)}")
    if way.is_check:
        click.echo(f"{locked.file} is not up to date. To write it anew: envkit lock")
    elif way.is_dry_run:
        click.echo(f"{locked.file} was not {'written' if is_new else 'changed'}: --dry-run")
    else:
        click.echo(f"{locked.file} was {'written' if is_new else 'changed'}")


def _packages_text(count: int) -> str:
    return "1 package" if count == 1 else f"{count} packages"


def _words(change: LineChange) -> str:
    if not change.old:
        return f"new: {change.new}"
    return f"{change.old} -> {change.new}" if change.new else f"gone: {change.old}"
