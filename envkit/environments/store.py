"""The store of environments: found in milliseconds, changed under a lock, valid only with their record.

An environment is made beside the one whose place it takes (see ``generations``): one that failed or was killed
half-way is never seen, and a run keeps the generation it began in.
"""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING

from envkit.api import EnvError
from envkit.environments.fitness import Wanted, why_unfit
from envkit.environments.flock import lock_exclusively, lock_shared
from envkit.environments.generations import (
    RECORD_FILE,
    Generations,
    in_use_file,
    is_in_use,
    sweep,
)
from envkit.environments.prefix_names import check_name, is_name
from envkit.environments.prefixes import (
    check_unmoved,
    environment_size,
    installed_in,
    libraries_of,
    python_of,
    read_record,
    write_record,
)
from envkit.environments.records import Environment, StoredEnvironment

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from envkit.environments.flock import FileLock
    from envkit.environments.records import EnvRecord

__all__ = [
    "RECORD_FILE",
    "Wanted",
    "change_environment",
    "check_name",
    "environment_size",
    "envs_dir",
    "find_environment",
    "find_stored",
    "hold_environment",
    "installed_in",
    "libraries_of",
    "list_environments",
    "python_of",
    "read_record",
    "why_unfit",
    "write_record",
]


def envs_dir(home: Path) -> Path:
    """Return the folder of all environments."""
    return home / "envs"


def list_environments(home: Path) -> list[StoredEnvironment]:
    """Return the valid environments, by name."""
    folder = envs_dir(home)
    try:
        names = sorted(os.listdir(folder))  # noqa: PTH208  # names are all that is needed
    except OSError:
        return []
    listed = (_stored(Generations(folder, name)) for name in names if is_name(name))
    return [stored for stored in listed if stored is not None]


def _stored(generations: Generations) -> StoredEnvironment | None:
    prefix = _current_prefix(generations)
    record = read_record(prefix) if prefix else None
    if prefix is None or record is None:
        return None
    try:
        in_use = in_use_file(prefix)
        last_used = (in_use if in_use.exists() else prefix / RECORD_FILE).stat().st_mtime
    except FileNotFoundError:
        return None  # it was removed at this moment
    return StoredEnvironment(
        name=generations.name,
        prefix=prefix,
        link=generations.link,
        record=record,
        last_used=last_used,
        is_in_use=is_in_use(prefix),
    )


def find_stored(home: Path, name: str) -> StoredEnvironment:
    """Return the environment of this name. Raises: EnvError that names those there are, the nearest first."""
    stored = _stored(Generations(envs_dir(home), name)) if is_name(name) else None
    if stored is None:
        known = _nearest_first(name, [each.name for each in list_environments(home)])
        raise EnvError(
            f"there is no environment {name!r} in {envs_dir(home)}",
            hint=f"Known: {', '.join(known) or 'none yet'}. envkit env create {name} makes one",
        )
    return stored


def _nearest_first(name: str, known: list[str]) -> list[str]:
    import difflib  # for an error alone

    near = difflib.get_close_matches(name, known, n=len(known) or 1)
    return near + [each for each in known if each not in near]


def current_prefix(home: Path, name: str) -> Path | None:
    """Return where the environment of this name really lies now, None where there is none."""
    return _current_prefix(Generations(envs_dir(home), name))


def _current_prefix(generations: Generations) -> Path | None:
    number = generations.current()
    return None if number is None else generations.prefix(number)


def find_environment(home: Path, wanted: Wanted) -> Environment | None:
    """Return the environment that serves, held against being removed, or None."""
    generations = Generations(envs_dir(home), check_name(wanted.name))
    return _hold_current(generations, lambda prefix, record: why_unfit(prefix, record, wanted))


def hold_environment(stored: StoredEnvironment, *, is_look: bool = False) -> Environment:
    """Return a listed environment, held against being removed; with ``is_look`` that counts as no use of it.

    Raises: EnvError if it has gone or was moved.
    """
    check_unmoved(stored.prefix, stored.record)
    environment = _hold(stored.name, stored.prefix)
    if environment is None:
        raise EnvError(
            f"the environment {stored.name} was changed or removed at this moment", hint="envkit env list"
        )
    return environment if is_look else _used(environment)


def change_environment(
    home: Path,
    name: str,
    *,
    is_fit: Callable[[Path, EnvRecord], str | None],
    build: Callable[[Path, int, FileLock], EnvRecord],
    say: Callable[[str], None],
    may_replace: bool = True,
) -> Environment:
    """Return the environment, held: as it is where it fits, else made anew beside the old one.

    ``is_fit`` returns what keeps an environment from serving, None where it serves; an empty text says
    nothing to the user. ``build`` gets the folder to fill (which is not there yet), the number of the
    generation and the lock, whose file is to stay open in every child that writes. Who finds the environment
    in the making waits, and takes the other's if that fits. Without ``may_replace`` one that is there is
    returned as it is, fit or not: the caller judges it. When ``build`` fails, nothing has changed.
    Raises: UsageError for the name, EnvError, and what ``build`` raises.
    """
    generations = Generations(envs_dir(home), check_name(name))
    waiting = f"waiting for {{}}, which works on the environment {name}"
    with lock_exclusively(generations.lock_file, on_wait=lambda who: say(waiting.format(who))) as lock:
        takes = is_fit if may_replace else lambda prefix, record: None
        found = _hold_current(generations, takes, say=say) or _hold_unlinked(generations, is_fit)
        if found is not None:
            if generations.has_leftovers():  # of a process that was killed
                _clear(generations, say)
            return found
        generations.check_place()
        _clear(generations, say)
        number = generations.next_number()
        prefix = generations.prefix(number)
        hold = lock_shared(in_use_file(prefix))
        try:
            record = build(prefix, number, lock)
            write_record(prefix, record)
            generations.swing(number)
        except BaseException as error:
            hold.release()
            if generations.current() != number:  # else the user stopped it a moment too late
                if isinstance(error, KeyboardInterrupt) and prefix.exists():  # tens of thousands of files
                    say(f"Stopping: what was made of {name} is taken away. Once more leaves it for later.")
                generations.clear()
                generations.forget()
            raise
        _clear(generations, say)
        sweep(generations.folder, but=name)
        return _used(_environment(name, prefix, record, hold, created=True))


def _hold_current(
    generations: Generations,
    is_fit: Callable[[Path, EnvRecord], str | None],
    *,
    say: Callable[[str], None] = lambda text: None,
) -> Environment | None:
    """Return the current generation, held, where it fits; one that was changed meanwhile is looked at again."""
    prefix = _current_prefix(generations)
    environment = None
    while prefix is not None and (environment := _hold(generations.name, prefix)) is None:
        before, prefix = prefix, _current_prefix(generations)
        if prefix == before:
            say(f"{generations.name} is made anew: its record cannot be read")
            return None
    if prefix is None or environment is None or environment.record is None:
        return None
    why = is_fit(prefix, environment.record)
    if why is None:
        return _used(environment)
    environment.release()
    if why:
        say(f"{generations.name} is made anew: {why}")
    return None


def _hold_unlinked(
    generations: Generations, is_fit: Callable[[Path, EnvRecord], str | None]
) -> Environment | None:
    """Take up a generation that was made whole by a process that was killed just before the link."""
    newest = next(iter(generations.numbers()), 0)
    if newest <= (generations.current() or 0):
        return None
    environment = _hold(generations.name, generations.prefix(newest))
    if environment is None or environment.record is None:
        return None
    if is_fit(environment.prefix, environment.record) is not None:
        environment.release()
        return None
    generations.check_place()
    generations.swing(newest)
    return _used(environment)


def _hold(name: str, prefix: Path) -> Environment | None:
    if not (prefix / RECORD_FILE).is_file():
        return None
    # Whoever holds it alone only looks, or is about to take the record away: nobody waits long here.
    hold = lock_shared(in_use_file(prefix))
    record = read_record(prefix)
    if record is None:
        hold.release()
        return None
    return _environment(name, prefix, record, hold, created=False)


def _environment(name: str, prefix: Path, record: EnvRecord, hold: FileLock, *, created: bool) -> Environment:
    return Environment(
        kind=record.backend,
        name=name,
        prefix=prefix,
        python=python_of(prefix),
        reason="",
        created=created,
        record=record,
        hold=hold,
    )


def _used(environment: Environment) -> Environment:
    """Note in the file that is held when the environment was last used."""
    if environment.hold is not None:
        with contextlib.suppress(OSError):  # a home that is only read
            os.utime(environment.hold.fileno())
    return environment


def _clear(generations: Generations, say: Callable[[str], None]) -> None:
    for failure in generations.clear():
        say(f"{failure.message} ({failure.hint})")
