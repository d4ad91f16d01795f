"""Read whatever ``--file`` names: which format it is, its name and its content tell."""

from __future__ import annotations

import os
import re
from dataclasses import replace
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING

from envkit.environments.files.request import FileRequest, file_error, read_text
from envkit.environments.files.toml_lines import load_toml

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from envkit.api.errors import ConfigError

_CHOICES = re.compile(r"(.+\.toml)\[([A-Za-z0-9._, -]+)\]$")
_KNOWN = ("environment.yml", "requirements.txt", "pyproject.toml", "pylock.toml")
_SUFFIXES = frozenset({".yml", ".yaml", ".toml", ".txt", ".in", ".pip"})
# Files of other tools, and how each writes one of those above.
_FOREIGN = {
    "uv.lock": "uv export --format pylock.toml --output-file pylock.toml",
    "poetry.lock": "poetry export --output requirements.txt",
    "Pipfile": "pipenv requirements > requirements.txt",
    "Pipfile.lock": "pipenv requirements > requirements.txt",
    "pdm.lock": "pdm export --format pylock --output pylock.toml",
    "setup.py": "uv pip compile setup.py --output-file requirements.txt",
    "setup.cfg": "uv pip compile setup.cfg --output-file requirements.txt",
    "pixi.lock": "pixi workspace export conda-environment environment.yml",
    "pixi.toml": "pixi workspace export conda-environment environment.yml",
    "conda-lock.yml": "conda-lock render --kind env",
}


def read_environment_file(
    file: Path,
    *,
    backend: str | None,
    python: str = "",
    package_index: str | None = None,
    environ: Mapping[str, str] = os.environ,
) -> FileRequest:
    """Return what a file asks an environment to have.

    ``pyproject.toml[dev,docs]`` and ``pylock.toml[dev]`` take extras and dependency groups in. ``backend``
    is the one chosen, None where none is; ``python`` what the user asks for, empty for nothing;
    ``package_index`` envkit's own setting, which a file may repeat. Raises: ConfigError with file and line;
    UsageError where the backend cannot have what the file asks for; EnvError where a library is lacking.
    """
    file, choices = _split_choices(file)
    if not file.is_file():
        raise _no_file(file)
    request = _read(
        file, choices, backend=backend, python=python, package_index=package_index, environ=environ
    )
    if request.python or request.packages or request.base_packages or request.wheels:
        return request
    return replace(request, notes=(*request.notes, f"{file} asks for nothing: there is no package in it"))


def _read(
    file: Path,
    choices: Sequence[str],
    *,
    backend: str | None,
    python: str,
    package_index: str | None,
    environ: Mapping[str, str],
) -> FileRequest:
    if file.name == "envkit.lock":
        raise file_error("a lock is not taken in part", file=file, hint="envkit env create NAME --locked")
    if file.name in _FOREIGN:
        raise file_error(
            "this format is another tool's own", file=file, hint=f"Instead: {_FOREIGN[file.name]}"
        )
    if file.suffix in (".yml", ".yaml"):
        from envkit.environments.files.conda_file import read_conda_file

        return read_conda_file(file, backend=backend, package_index=package_index, environ=environ)
    if file.suffix == ".toml":
        return _read_toml(file, choices, python=python)
    if file.suffix in (".txt", ".in", ".pip"):
        from envkit.environments.files.requirements_file import read_requirements

        return read_requirements(file, environ=environ, package_index=package_index)
    raise file_error(
        "this is no format that envkit reads", file=file, hint=f"Expected one of: {', '.join(_KNOWN)}"
    )


def _no_file(file: Path) -> ConfigError:
    """Return the error of a file that is not there, with what is there instead."""
    is_folder = file.is_dir()
    folder = file if is_folder else file.parent
    try:
        beside = sorted(each.name for each in folder.iterdir() if each.is_file())
    except OSError:
        beside = []
    if is_folder:
        near = [name for name in beside if name in _KNOWN]
    else:
        near = get_close_matches(file.name, [name for name in beside if Path(name).suffix in _SUFFIXES], n=1)
    what = "this is a folder" if is_folder else "there is no such file"
    if near:
        hint = f"Did you mean {' or '.join(str(folder / name) for name in near)}?"
    else:
        hint = f"Expected one of: {', '.join(_KNOWN)}"
    return file_error(what, file=file, hint=hint)


def _split_choices(file: Path) -> tuple[Path, Sequence[str]]:
    found = _CHOICES.fullmatch(str(file))
    if found is None or file.is_file():
        return file, ()
    return Path(found[1]), [each.strip() for each in found[2].split(",") if each.strip()]


def _read_toml(file: Path, choices: Sequence[str], *, python: str) -> FileRequest:
    from envkit.environments.files.project_file import read_project_file
    from envkit.environments.files.pylock_file import read_pylock

    table = load_toml(read_text(file), file)
    if "lock-version" in table or re.fullmatch(r"pylock(\.[^.]+)?\.toml", file.name):
        return read_pylock(file, choices=choices, python=python)
    if file.name == "pyproject.toml" or "project" in table:
        return read_project_file(file, choices=choices)
    raise file_error(
        "this TOML is neither a pyproject nor a pylock",
        file=file,
        hint=f"Expected one of: {', '.join(_KNOWN)}",
    )
