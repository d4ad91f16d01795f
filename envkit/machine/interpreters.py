"""Probe Python: the interpreter that runs, and others on PATH, by their names and places alone."""

from __future__ import annotations

import os
import re
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from envkit.api.facts import FoundInterpreter, Interpreter
from envkit.machine.time_limit import ANSWER_SECONDS, call_each

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from envkit.machine.files import Files

# envkit needs 3.11; the last is far enough ahead to need no change for years.
_MINORS = range(11, 31)
# Who put a Python into such a place; the first that fits counts. Sources: the documentation of each.
_ORIGINS = (
    ("uv", r"/uv/python/|/cpython-3\.\d+\.\d+[^/]*-(linux|macos)-[^/]+/bin/"),
    ("pyenv", r"/\.?pyenv/(versions|shims)/"),
    ("asdf", r"/\.asdf/(installs/python|shims)/"),
    ("homebrew", r"^/opt/homebrew/|/Cellar/python|/\.?linuxbrew/"),
    ("python.org", r"^/Library/Frameworks/Python\.framework/"),
    ("nix", r"^/nix/store/|/\.nix-profile/|^/run/current-system/"),
    ("system", r"^(/usr)?/bin/|^/usr/lib(64)?/|^/Library/Developer/|^/Applications/Xcode[^/]*\.app/"),
)
# Folders that these programs are moved to by a variable.
_MOVED = (
    ("UV_PYTHON_INSTALL_DIR", "", "uv"),
    ("PYENV_ROOT", "versions", "pyenv"),
    ("PYENV_ROOT", "shims", "pyenv"),
    ("ASDF_DATA_DIR", "installs/python", "asdf"),
)


def read_python(
    *,
    environ: Mapping[str, str] = os.environ,
    executable: str = sys.executable,
    prefix: str = sys.prefix,
    base_prefix: str = sys.base_prefix,
    library: Path = Path(os.__file__).parent,
    search_path: Sequence[str] = sys.path,
) -> Interpreter:
    """Return the interpreter that runs this; ``library`` is the folder of its standard library."""
    managed = library / "EXTERNALLY-MANAGED"
    return Interpreter(
        path=executable,
        # Not platform.python_version(): a build from a branch calls itself 3.13.0+, which is no version.
        version=".".join(map(str, sys.version_info[:3])),
        implementation=sys.implementation.name,
        is_64bit=sys.maxsize > 2**32,
        origin=find_origin(Path(base_prefix, "bin", "python3"), environ=environ),
        prefix=prefix,
        base_prefix=base_prefix,
        # PEP 668 leaves venvs out.
        externally_managed=str(managed) if prefix == base_prefix and managed.is_file() else None,
        user_site=_user_site(search_path),
    )


def _user_site(search_path: Sequence[str]) -> str | None:
    # Python has found it out as it started, and left it in this module.
    folder = getattr(sys.modules.get("site"), "USER_SITE", None)
    return folder if folder in search_path else None


def find_interpreters(
    *, environ: Mapping[str, str], files: Files | None = None, seconds: float = ANSWER_SECONDS
) -> tuple[FoundInterpreter, ...]:
    """Return the other Pythons on PATH, newest first; of those behind links, the first on PATH.

    A folder that does not answer in time is noted in ``files``, and the others are still told.
    """
    path = environ.get("PATH", os.defpath).split(os.pathsep)
    folders = [folder for folder in dict.fromkeys(path) if folder]
    calls = [partial(_pythons_in, folder, environ) for folder in folders]
    found: dict[Path, FoundInterpreter] = {}
    running = Path(sys.executable).resolve()
    for folder, pythons in zip(folders, call_each(calls, seconds=seconds), strict=True):
        if isinstance(pythons, OSError):
            if files is not None:
                files.note(folder, pythons.strerror or str(pythons))
            continue
        for target, python in pythons:
            if target != running:
                found.setdefault(target, python)
    return tuple(sorted(found.values(), key=lambda each: -int(each.version.partition(".")[2])))


def _pythons_in(folder: str, environ: Mapping[str, str]) -> list[tuple[Path, FoundInterpreter]]:
    """Return the Pythons in a folder, each with what its links end at."""
    found = []
    for minor in _MINORS:
        name = f"{folder}/python3.{minor}"
        if os.access(name, os.X_OK) and (path := Path(name)).is_file():
            origin = find_origin(path, environ=environ)
            python = FoundInterpreter(path=str(path), version=f"3.{minor}", origin=origin)
            found.append((path.resolve(), python))
    return found


def find_origin(path: Path, *, environ: Mapping[str, str]) -> str | None:
    """Return who made the Python at this path, None where its place does not tell.

    Both where it is found and where its links end count: Homebrew and uv put links elsewhere.
    """
    target = path.resolve()
    for place in (target, path):
        if (place.parent.parent / "conda-meta").is_dir():
            return "conda"
    for place in (target, path):
        for variable, folder, origin in _MOVED:
            if environ.get(variable) and place.is_relative_to(Path(environ[variable], folder)):
                return origin
        for origin, pattern in _ORIGINS:
            if re.search(pattern, str(place)):
                return origin
    return None
