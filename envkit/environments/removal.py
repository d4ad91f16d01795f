"""Remove an environment with all that points to it: lists of other tools, and its kernel."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from envkit.api import EnvError, ListingBackend
from envkit.environments.backends import find_backends
from envkit.environments.generations import Generations
from envkit.environments.kernels import remove_kernel
from envkit.environments.prefix_names import check_name
from envkit.environments.store import (
    environment_size,
    envs_dir,
    find_stored,
    list_environments,
    remove_environment,
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
