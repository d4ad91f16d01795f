"""Probe conda, mamba, micromamba and pixi: where they are and, as far as files tell it, of which version."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

from envkit.api.facts import CondaTool

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from envkit.machine.files import Files

TOOLS = ("conda", "mamba", "micromamba", "pixi")
# conda is often a function of the shell, and its folder not on PATH: its installers' own choices.
_NAMES = ("miniconda3", "anaconda3", "miniforge3", "mambaforge", "conda")
_SYSTEM = ("/opt", "/usr/local", "/opt/homebrew/Caskroom", "/usr/local/Caskroom")
_CELLAR = re.compile(r"/Cellar/[^/]+/(?P<version>\d[^/_]*)")
# Comments and quotes are cut off by hand: a library for YAML is not worth its start for one word.
_SOLVER = re.compile(r"^(?:experimental_)?solver\s*:\s*['\"]?(?P<solver>[\w.-]+)", re.MULTILINE)


def read_conda(files: Files, *, environ: Mapping[str, str]) -> tuple[CondaTool, ...]:
    """Return what is found on PATH, named by variables and in the usual folders; no process is started.

    A tool that is reached by several ways is told once, by the first of them. ``version`` is None for a
    program without a conda-meta folder around it, as micromamba and pixi mostly are.
    """
    tools, seen = [], set()
    for name, path in _candidates(files, environ):
        real = Path(os.path.realpath(path))
        prefix = real.parent.parent
        has_records = bool(_names(prefix / "conda-meta"))
        if (name, prefix if has_records else real) in seen:
            continue
        seen.add((name, prefix if has_records else real))
        solver = _solver(files, prefix, environ) if name == "conda" else None
        tools.append(CondaTool(name=name, path=str(path), version=_version(name, real), solver=solver))
    return tuple(sorted(tools, key=lambda tool: TOOLS.index(tool.name)))


def _candidates(files: Files, environ: Mapping[str, str]) -> Iterator[tuple[str, Path]]:
    """Yield every program, the one that a shell would start first."""
    for place in environ.get("PATH", "").split(os.pathsep):
        paths = (Path(place, name) for name in TOOLS if place)
        yield from ((path.name, path) for path in paths if _is_program(path))
    for variable, name in (("CONDA_EXE", "conda"), ("MAMBA_EXE", "micromamba"), ("PIXI_EXE", "pixi")):
        path = Path(environ.get(variable) or "/")
        if _is_program(path):
            yield (path.name if path.name in TOOLS else name), path
    home = _home(environ)
    places = [home, *(Path(files.locate(each)) for each in _SYSTEM)]
    # Homebrew puts conda's own prefix a folder deeper.
    folders = [place / each / "bin" for place in places for name in _NAMES for each in (name, f"{name}/base")]
    folders += [home / ".local/bin", home / "bin", home / ".pixi/bin", Path(files.locate("/usr/local/bin"))]
    for folder in folders:
        yield from ((name, folder / name) for name in TOOLS if _is_program(folder / name))


def _version(name: str, real: Path) -> str | None:
    """Return the version by conda's own record of the package, or by Homebrew's folder."""
    if match := _CELLAR.search(str(real)):
        return match["version"]
    # pixi's global tools are started by small programs beside the environments that hold them.
    for prefix in (real.parent.parent, real.parent.parent / "envs" / name):
        for record in _names(prefix / "conda-meta"):
            package = record.removesuffix(".json").rsplit("-", 2)
            if len(package) == 3 and package[0] == name and record.endswith(".json"):
                return package[1]
    return None


def _solver(files: Files, prefix: Path, environ: Mapping[str, str]) -> str | None:
    """Return what conda's configuration names, the strongest place first. Source: conda, ``SEARCH_PATH``."""
    if named := environ.get("CONDA_SOLVER") or environ.get("CONDA_EXPERIMENTAL_SOLVER"):
        return named
    for file in _condarc_files(files, prefix, environ):
        try:
            with file.open("rb") as opened:
                text = opened.read(1 << 16).decode("utf-8", "replace")
        except (OSError, ValueError) as error:
            if not isinstance(error, (FileNotFoundError, NotADirectoryError, IsADirectoryError)):
                files.note(str(file), str(getattr(error, "strerror", None) or error))
            continue
        if match := _SOLVER.search(text):
            return match["solver"]
    return None


def _condarc_files(files: Files, prefix: Path, environ: Mapping[str, str]) -> Iterator[Path]:
    if named := environ.get("CONDARC"):
        yield Path(named)
    home = _home(environ)
    configuration = Path(environ.get("XDG_CONFIG_HOME") or home / ".config")
    active = environ.get("CONDA_PREFIX")
    user = (home / ".condarc", home / ".conda", configuration / "conda")
    system = (Path(files.locate(each)) for each in ("/var/lib/conda", "/etc/conda"))
    for place in (*((Path(active),) if active else ()), *user, prefix, *system):
        if place.name == ".condarc":
            yield place
            continue
        for name in reversed(_names(place / "condarc.d")):
            if name.endswith((".yml", ".yaml")):
                yield place / "condarc.d" / name
        yield from (place / "condarc", place / ".condarc")


def _home(environ: Mapping[str, str]) -> Path:
    return Path(environ.get("HOME") or Path.home())


def _is_program(path: Path) -> bool:
    try:
        return path.is_file() and os.access(path, os.X_OK)
    except (OSError, ValueError):  # a folder that is closed to this user
        return False


def _names(folder: Path) -> list[str]:
    try:
        return sorted(os.listdir(folder))  # noqa: PTH208  # hundreds of records
    except OSError:
        return []
