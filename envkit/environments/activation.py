"""What a process in an environment starts with, whichever backend made it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from envkit.api import EnvError
from envkit.environments.prefixes import check_unmoved
from envkit.environments.store import find_stored, python_of
from envkit.environments.venv_backend import VenvBackend

if TYPE_CHECKING:
    from collections.abc import Mapping

    from envkit.api import EnvironmentBackend
    from envkit.environments.records import Environment, StoredEnvironment

# With them its Python would look for its library in another's folder; the last is macOS's.
_MISLEADING = ("PYTHONHOME", "__PYVENV_LAUNCHER__")


def activated(environment: Environment, environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return the variables of a process in the environment; the running interpreter's are left as they are.

    A venv that is active there is left first. Raises: EnvError where a script of the environment's fails,
    UsageError where the extension that made it is gone, PluginError.
    """
    if environment.kind == "current":
        return dict(environ)
    return backend_of(environment.kind).activate(environment.prefix.absolute(), environ=without_venv(environ))


def backend_of(kind: str) -> EnvironmentBackend:
    """Return the backend that made an environment. Raises: UsageError where it is gone, PluginError."""
    # Without a look at all that is installed: a reuse of a venv has 0.15 s for everything.
    if kind == VenvBackend.name:
        return VenvBackend()
    from envkit.environments.backends import load_backend

    return load_backend(kind)


def find_working(home: Path, name: str) -> StoredEnvironment:
    """Return the environment of this name. Raises: EnvError where there is none, its Python is gone, or it was moved."""
    stored = find_stored(home, name)
    python = python_of(stored.prefix)
    if not os.access(python, os.X_OK):
        # Else its programs would start with whichever Python comes next on PATH.
        raise EnvError(
            f"the Python of the environment {name} is gone: {python} leads to {python.resolve()}",
            hint=f"Make it anew: envkit env sync {name}",
        )
    check_unmoved(stored.prefix, stored.record)
    return stored


def without_venv(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the variables as they were before a venv was activated, and without what misleads a Python."""
    variables = {name: text for name, text in environ.items() if name not in _MISLEADING}
    venv = variables.pop("VIRTUAL_ENV", None)
    variables.pop("VIRTUAL_ENV_PROMPT", None)
    if venv and "PATH" in variables:
        bin_dir = str(Path(venv, "bin"))
        folders = variables["PATH"].split(os.pathsep)
        variables["PATH"] = os.pathsep.join(folder for folder in folders if folder != bin_dir)
    return variables
