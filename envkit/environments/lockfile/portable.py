"""Texts of a lock file as they mean the same in every checkout: no passwords, and paths from the lock's folder."""

from __future__ import annotations

import os.path
import re
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote

import msgspec

from envkit.environments.files.addresses import public

if TYPE_CHECKING:
    from collections.abc import Callable

    from envkit.environments.lockfile.records import LockedMachine
    from envkit.environments.records import EnvSpec

# A path as a package: alone, or after -e; or the address of a file.
_PATH = re.compile(r"(?P<before>^(?:-e )?|file://)(?P<path>/[^\s;#]*)")
_RELATIVE = re.compile(r"(?P<before>^(?:-e )?|file://)(?P<path>\.\.?(?:/[^\s;#]*)?)(?=$|[\s;#])")

# conda's servers take a token in the path.
_TOKEN = re.compile(r"(https?://[^\s/]+)/t/[^\s/]+/", re.IGNORECASE)


def to_portable(text: str, *, folder: Path) -> str:
    """Return a requirement or address without password, a path in or beside ``folder`` made relative to it."""

    folder = _absolute(folder)

    def relative(found: re.Match[str]) -> str:
        is_address = found["before"] == "file://"
        path, revision = _split_revision(found)
        if not Path(path).is_relative_to(folder.parent):
            return found[0]
        near = os.path.relpath(path, folder)
        near = near if near.startswith(".") else f"./{near}"
        return found["before"] + (quote(near, safe="/+~") if is_address else near) + revision

    return _PATH.sub(relative, _TOKEN.sub(r"\1/", public(text)))


def to_absolute(text: str, *, folder: Path) -> str:
    """Return what ``to_portable`` made portable as it means the same from everywhere."""

    def absolute(found: re.Match[str]) -> str:
        is_address = found["before"] == "file://"
        path, revision = _split_revision(found)
        path = os.path.normpath(_absolute(folder) / path)
        return found["before"] + (quote(path, safe="/+~") if is_address else path) + revision

    return _RELATIVE.sub(absolute, text)


def _absolute(folder: Path) -> Path:
    # What lies beside it is told only once ``..`` is worked out, which behind a link is another folder.
    plain = Path(os.path.normpath(folder.absolute()))
    return plain if plain.resolve() == folder.resolve() else folder.resolve()


def _split_revision(found: re.Match[str]) -> tuple[str, str]:
    """Return a path as the file system has it, and the ``@REVISION`` behind that of a repository."""
    if found["before"] != "file://":
        return found["path"], ""
    path, revision = found["path"], ""
    if found.string[: found.start()].endswith("+"):  # as in git+file://
        path, mark, commit = path.partition("@")
        revision = mark + commit
    return unquote(path), revision


def portable_spec(spec: EnvSpec, *, folder: Path) -> EnvSpec:
    """Return the spec with its packages and channels portable."""
    return _spec(spec, lambda text: to_portable(text, folder=folder))


def absolute_spec(spec: EnvSpec, *, folder: Path) -> EnvSpec:
    """Return the spec with its packages and channels absolute."""
    return _spec(spec, lambda text: to_absolute(text, folder=folder))


def portable_machine(machine: LockedMachine, *, folder: Path) -> LockedMachine:
    """Return the machine's section with all its addresses and paths portable."""
    return _machine(machine, lambda text: to_portable(text, folder=folder))


def absolute_machine(machine: LockedMachine, *, folder: Path) -> LockedMachine:
    """Return the machine's section with all its addresses and paths absolute."""
    return _machine(machine, lambda text: to_absolute(text, folder=folder))


def _spec(spec: EnvSpec, change: Callable[[str], str]) -> EnvSpec:
    return msgspec.structs.replace(
        spec,
        packages=tuple(map(change, spec.packages)),
        constraints=tuple(map(change, spec.constraints)),
        channels=tuple(map(change, spec.channels)),
    )


def _machine(machine: LockedMachine, change: Callable[[str], str]) -> LockedMachine:
    replace = msgspec.structs.replace
    return replace(
        machine,
        asked=tuple(map(change, machine.asked)),
        without_dependencies=tuple(map(change, machine.without_dependencies)),
        base=tuple(replace(p, channel=change(p.channel), url=change(p.url)) for p in machine.base),
        wheels=tuple(replace(wheel, url=change(wheel.url)) for wheel in machine.wheels),
    )
