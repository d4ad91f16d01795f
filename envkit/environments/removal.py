"""Remove an environment with all that points to it: lists of other tools, and its kernel."""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from envkit.api import EnvError, ListingBackend
from envkit.environments.backends import find_backends
from envkit.environments.flock import lock_exclusively
from envkit.environments.generations import Generations, delete
from envkit.environments.holders import busy_error
from envkit.environments.kernels import remove_kernel
from envkit.environments.prefix_names import check_name
from envkit.environments.prefixes import own_size
from envkit.environments.store import (
    environment_size,
    envs_dir,
    find_stored,
    list_environments,
)
from envkit.registry import describe

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from envkit.environments.records import StoredEnvironment


@dataclass(frozen=True, kw_only=True)
class Removable:
    """What can be removed under a name; ``stored`` is None for what is left of one that no longer counts.

    ``size`` is in bytes.
    """

    name: str
    size: int
    stored: StoredEnvironment | None


@dataclass(frozen=True, kw_only=True)
class Removal:
    """What was removed: ``freed`` in bytes, and the folder of the ``kernel``, None where there was none.

    ``notes`` say what still points to the environment, and why.
    """

    freed: int
    kernel: Path | None
    notes: tuple[str, ...]


def find_removable(home: Path, name: str) -> Removable:
    """Return the environment of this name, or what is left of one.

    Raises: UsageError for the name, EnvError where there is nothing of it, or it is being made.
    """
    generations = Generations(envs_dir(home), check_name(name))
    stored = next((each for each in list_environments(home) if each.name == name), None)
    if stored is not None:
        return Removable(name=name, size=stored.record.size, stored=stored)
    if generations.is_empty():
        stored = find_stored(home, name)
    elif generations.is_worked_on():
        raise EnvError(
            f"the environment {name} is being made or removed at this moment",
            hint=f"Wait for it to end, then: envkit env remove {name}",
        )
    size = sum(environment_size(generations.prefix(number)) for number in generations.numbers())
    return Removable(name=name, size=size, stored=stored)


def remove_with_traces(
    home: Path, name: str, *, say: Callable[[str], None], environ: Mapping[str, str] = os.environ
) -> Removal:
    """Remove an environment, its kernel and its place on every list that a backend keeps.

    What cannot be taken off a list is a note: the environment is gone by then. Raises: UsageError, EnvError.
    """
    freed = remove_environment(home, name, say=say)
    link = envs_dir(home) / name
    notes = []
    # All of them: a change may have given the environment another backend than it had.
    for entry in find_backends().values():
        backend: object = entry.given
        try:
            if isinstance(backend, ListingBackend):
                backend.forget(link, environ=environ)
        except Exception as error:  # noqa: BLE001 - an extension's fault harms only itself
            notes.append(f"the backend {entry.name} ({entry.source}) still lists {link}: {describe(error)}")
    kernel = None
    try:
        kernel = remove_kernel(name, link=link, environ=environ)
    except EnvError as error:
        notes.append(f"{error.message}. {error.hint}")
    return Removal(freed=freed, kernel=kernel, notes=tuple(notes))


def remove_environment(home: Path, name: str, *, say: Callable[[str], None]) -> int:
    """Remove an environment, or what is left of one; return the bytes that are free now.

    Files that a cache or another environment shares free nothing. Raises: UsageError for the name, EnvError
    where there is none of that name, it is in use, or it cannot be made invalid.
    """
    generations = Generations(envs_dir(home), check_name(name))
    if generations.is_empty():
        find_stored(home, name)
    waiting = f"waiting for {{}}, which works on the environment {name}"
    with lock_exclusively(generations.lock_file, on_wait=lambda who: say(waiting.format(who))):
        generations.check_place()
        held = generations.hold_all()
        if held is None:
            raise busy_error(generations.folder, [name])
        with contextlib.ExitStack() as holds:
            for each in held:
                holds.enter_context(each)
            folders = generations.discard_all()
        freed = 0
        for folder in folders:
            size = own_size(folder)
            with contextlib.suppress(EnvError):  # clearing tries again, and says why not
                delete(folder)
                freed += size
        failures = generations.clear()
        generations.forget()
    for failure in failures:
        say(f"{name} is removed, but its files are not all gone: {failure.message} ({failure.hint})")
    return freed
